//! Breadth first without repetition, and random walks.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::laws::{Broken, pass_and_check};
use crate::moves::{Move, moves};
use crate::subject::Core;
use crate::world::{Person, Said, World};

/// What was found.
pub(crate) struct Found {
    pub(crate) states: usize,
    /// States in which a flag stands open by our own hand.
    pub(crate) opened: usize,
    pub(crate) broken: Option<Broken>,
}

/// Histories that lead to where it becomes interesting.
fn roots() -> Vec<Vec<Move>> {
    let fill = [Move::Edit(0, 1), Move::Edit(1, 1), Move::Edit(2, 1), Move::Seconds(10)];
    let accept = [Move::Say(Person::Rita, Said::Accept), Move::Seconds(10)];
    let with =
        [Move::Edit(0, 1), Move::Edit(2, 1), Move::Seconds(10), Move::Say(Person::Rita, Said::AcceptWith)];
    let reject = [Move::Say(Person::Rita, Said::Reject(Some(0))), Move::Seconds(10)];
    let glass = [Move::Override(Person::Olga, Person::Ines), Move::Seconds(10)];
    let edited = [Move::Edit(1, 2), Move::Seconds(10)];
    vec![
        Vec::new(),
        fill.to_vec(),
        [fill.as_slice(), &accept].concat(),
        [fill.as_slice(), &accept, &edited].concat(),
        [with.as_slice(), &[Move::Seconds(10)]].concat(),
        [fill.as_slice(), &reject].concat(),
        [fill.as_slice(), &glass].concat(),
        [fill.as_slice(), &[Move::Receiver(Some(Person::SamToo)), Move::Seconds(10)]].concat(),
    ]
}

fn mark(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.print().hash(&mut hasher);
    hasher.finish()
}

/// Every history of so many moves from every starting point; after each move there is a pass, or there is none yet.
pub(crate) fn explore(core: &dyn Core, depth: usize) -> Found {
    let mut found = Found { states: 0, opened: 0, broken: None };
    let mut known = BTreeSet::new();
    let mut layer = Vec::new();
    for root in roots() {
        let mut world = World::new();
        for it in &root {
            world.play(core, *it);
            if let Err(broken) = pass_and_check(core, &mut world) {
                found.broken = Some(Broken { path: format!("{root:?}"), ..broken });
                return found;
            }
        }
        layer.push((world, root));
    }
    let alphabet = moves();
    for _ in 0..depth {
        let mut next = Vec::new();
        for (world, path) in &layer {
            for it in &alphabet {
                let mut moved = world.clone();
                if !moved.play(core, *it) || !known.insert(mark(&moved)) {
                    continue;
                }
                let path: Vec<Move> = path.iter().copied().chain([*it]).collect();
                let mut passed = moved.clone();
                if let Err(broken) = pass_and_check(core, &mut passed) {
                    found.broken = Some(Broken { path: format!("{path:?}"), ..broken });
                    return found;
                }
                found.states += 1;
                let open = passed.truth.flags.values().any(|(open, _, ours)| *open && *ours);
                found.opened += usize::from(open);
                if known.insert(mark(&passed)) {
                    next.push((passed, path.clone()));
                }
                next.push((moved, path));
            }
        }
        layer = next;
    }
    found
}

/// One random history, with a pass after about every second move.
pub(crate) fn walk(core: &dyn Core, seed: u64, length: usize) -> Option<Broken> {
    let alphabet = moves();
    let mut chance = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = |below: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        usize::try_from(chance % u64::try_from(below).expect("small")).expect("small")
    };
    let roots = roots();
    let mut path = roots[draw(roots.len())].clone();
    let mut world = World::new();
    for it in &path {
        world.play(core, *it);
        world.pass(core);
    }
    for _ in 0..length {
        let it = alphabet[draw(alphabet.len())];
        world.play(core, it);
        path.push(it);
        if draw(2) == 0
            && let Err(broken) = pass_and_check(core, &mut world)
        {
            return Some(Broken { path: format!("{path:?}"), ..broken });
        }
    }
    None
}
