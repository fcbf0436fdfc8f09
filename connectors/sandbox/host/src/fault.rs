//! Faults on demand: which requests they hit, how often, and what the server then does.

use serde::{Deserialize, Serialize};

use crate::{Call, Reply};

/// What the server does with a request that a fault hit.
#[derive(Debug, Clone)]
pub enum Effect {
    /// This answer; the request takes no effect.
    Instead(Reply),
    /// The request takes effect; this answer.
    Afterwards(Reply),
    /// Nothing until the faults are released; then the truth.
    Hang,
    /// The truth, this many milliseconds later.
    Delay(u64),
    /// The connection closes before the request takes effect.
    DropBefore,
    /// The connection closes after the request took effect.
    DropAfter,
    /// The request takes effect; its answer breaks off after this many bytes.
    Truncate(usize),
    /// The truth, as the vendor tells it when it knows of the fault.
    Truth,
}

/// A vendor's list of what can be planted.
pub trait Planned: Clone + Send + Sync + 'static {
    /// What the server does.
    fn effect(&self) -> Effect;
}

/// Which requests a fault hits; absent parts match everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// Text the path and query contain (percent-decoded path, or the raw target).
    #[serde(default)]
    pub path: Option<String>,
    /// Kind of endpoint, as the call counters name it.
    #[serde(default)]
    pub kind: Option<String>,
    /// Text the body contains.
    #[serde(default)]
    pub body: Option<String>,
}

/// A fault to plant; `A` is the vendor's list of actions, tagged `do` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault<A> {
    /// Which requests it hits.
    #[serde(default)]
    pub on: Matching,
    /// Matching requests to let pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many matching requests it hits.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    #[serde(flatten)]
    pub action: A,
}

const fn once() -> u32 {
    1
}

impl<A> Fault<A> {
    /// The fault for the next request whatever it is.
    pub fn next(action: A) -> Self {
        Self { on: Matching::default(), skip: 0, times: 1, action }
    }

    /// The fault for the next requests of one endpoint kind.
    pub fn on_kind(kind: &str, action: A) -> Self {
        Self { on: Matching { kind: Some(kind.to_owned()), ..Matching::default() }, ..Self::next(action) }
    }

    /// The same fault, hitting `times` requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same fault, after `skip` matching requests.
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// Planted faults, oldest first.
#[derive(Debug)]
pub struct Faults<A> {
    planted: Vec<(u64, Fault<A>)>,
    made: u64,
}

impl<A> Default for Faults<A> {
    fn default() -> Self {
        Self { planted: Vec::new(), made: 0 }
    }
}

impl<A: Clone> Faults<A> {
    /// Adds a fault; its number.
    pub fn plant(&mut self, fault: Fault<A>) -> u64 {
        self.made += 1;
        self.planted.push((self.made, fault));
        self.made
    }

    /// Removes every fault.
    pub fn clear(&mut self) {
        self.planted.clear();
    }

    /// Faults that have not struck as often as they may.
    pub fn list(&self) -> Vec<Fault<A>> {
        self.planted.iter().map(|(_, fault)| fault.clone()).collect()
    }

    /// What happens to this call; spends one of the fault's times.
    pub fn strike(&mut self, call: &Call, kind: &str) -> Option<A> {
        let mut struck = None;
        for (_, fault) in &mut self.planted {
            if fault.times == 0 || !fault.on.fits(call, kind) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            struck = Some(fault.action.clone());
            break;
        }
        self.planted.retain(|(_, fault)| fault.times > 0);
        struck
    }
}

impl Matching {
    fn fits(&self, call: &Call, kind: &str) -> bool {
        let holds = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
        holds(&self.method, &|method| call.method.as_str().eq_ignore_ascii_case(method))
            && holds(&self.kind, &|wanted| wanted == kind)
            && holds(&self.path, &|part| {
                call.path.contains(part)
                    || call.segments.join("/").contains(part.trim_matches('/'))
                    || call.params.iter().any(|(_, value)| value.contains(part))
            })
            && holds(&self.body, &|part| String::from_utf8_lossy(&call.body).contains(part))
    }
}
