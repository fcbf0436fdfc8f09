//! Too much at once: too large, too slow, too many.

use std::net::SocketAddr;
use std::time::Duration;

use handoffd_tests::governed::{Governed, Options, WAIT};
use handoffd_tests::story::QUEUE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::wire::{Notice, client, message, path, tell};

/// The status of the answer on a connection, once it has begun.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = [0_u8; 12];
    tokio::time::timeout(WAIT, stream.read_exact(&mut head)).await.unwrap().unwrap();
    String::from_utf8_lossy(&head).split(' ').nth(1).unwrap().parse().unwrap()
}

async fn begin(address: SocketAddr, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", path());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_a_body_without_end_is_cut_off_at_the_limit() {
    let world = Governed::start(Options::default()).await;
    let address = world.app().local_addr();
    let mut declared = begin(address, "Content-Length: 104857600\r\n").await;
    let mut endless = begin(address, "Transfer-Encoding: chunked\r\n").await;
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
    // Far more than the limit of a mebibyte; the daemon stops reading long before, so writing may fail.
    for stream in [&mut declared, &mut endless] {
        for _ in 0..64 {
            if stream.write_all(&chunk).await.is_err() {
                break;
            }
        }
    }
    assert_eq!(status(&mut declared).await, 413);
    assert_eq!(status(&mut endless).await, 413);
    let both =
        begin(address, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n").await;
    let mut both = both;
    drop(both.write_all(b"0\r\n\r\n").await);
    assert_ne!(status(&mut both).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_the_slow_are_sent_away_and_hold_up_nobody() {
    let world = Governed::start(Options::default()).await;
    let address = world.app().local_addr();
    let mut slow = JoinSet::new();
    for _ in 0..50 {
        slow.spawn(async move {
            let mut stream = begin(address, "Content-Length: 1000\r\n").await;
            stream.write_all(b"<").await.unwrap();
            status(&mut stream).await
        });
    }
    let deal = world.full_deal("Prompt");
    assert_eq!(tell(&world, &[Notice::of(1, deal)]).await, 200);
    world.settle().await;
    assert!(world.flag(deal, QUEUE));
    while let Some(status) = slow.join_next().await {
        assert_eq!(status.unwrap(), 408);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_packed_bodies_are_not_unpacked() {
    let world = Governed::start(Options::default()).await;
    let url = format!("http://{}{}", world.app().local_addr(), path());
    let answer = client()
        .post(url)
        .header("Content-Encoding", "gzip")
        .body(vec![0x1f, 0x8b, 8, 0])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_in_a_burst_everything_is_acknowledged_or_asked_to_come_again() {
    const MANY: usize = 3_000;
    let world = Governed::start(Options::default()).await;
    let deals: Vec<_> = (0..20).map(|number| world.deal(&format!("Burst {number}"))).collect();
    let client = client();
    let url = format!("http://{}{}", world.app().local_addr(), path());
    let mut posts = JoinSet::new();
    let (mut taken, mut busy) = (0_u64, 0_u64);
    let mut count = |status: u16| match status {
        200 => taken += 1,
        503 | 429 => busy += 1,
        other => panic!("{other}"),
    };
    for number in 0..MANY {
        // More than the daemon lets in at once.
        if posts.len() >= 600 {
            count(posts.join_next().await.unwrap().unwrap());
        }
        let body = message(world.org(), &[Notice::of(number, deals[number % deals.len()])]);
        let (client, url) = (client.clone(), url.clone());
        posts.spawn(async move {
            let answer = client.post(url).timeout(Duration::from_mins(1)).body(body).send().await.unwrap();
            if answer.status() == 503 {
                assert!(answer.headers().contains_key("retry-after"));
            }
            answer.status().as_u16()
        });
    }
    while let Some(status) = posts.join_next().await {
        count(status.unwrap());
    }
    world.settle().await;
    assert_eq!(world.received(), taken, "acknowledged = {taken}, busy = {busy}");
    world.assert_balanced();
    assert!(deals.iter().all(|deal| world.summary(*deal).is_some()));
}
