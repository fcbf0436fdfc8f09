//! Serves a router with a deadline for request heads, so that a slow sender holds no place.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// Longest time from a connection's first byte to the end of a request's head.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Most bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// Connections at once; more wait in the system's queue.
const AT_ONCE: usize = 1_024;
/// Until the next try after a connection could not be taken.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);

/// Serves until `stopped`; connections that are open then finish the request they are in.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    head_deadline: Duration,
    stopped: impl Future<Output = ()>,
) {
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let (ending, end) = tokio::sync::watch::channel(false);
    tokio::pin!(stopped);
    loop {
        // The place comes first: a connection that was accepted and then waited for one would be lost when another ends meanwhile.
        let place = tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (Ok((stream, _)), Ok(place)) = (accepted, place) else {
            // Out of descriptors: a pause may see one closed.
            tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (router, mut end) = (router.clone(), end.clone());
        connections.spawn(async move {
            let service =
                service_fn(move |request: Request<Incoming>| router.clone().oneshot(request.map(Body::new)));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(head_deadline)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            tokio::select! {
                _ = &mut connection => {}
                () = ended(&mut end) => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop(place);
        });
    }
    drop(listener);
    ending.send_replace(true);
    while connections.join_next().await.is_some() {}
}

async fn ended(end: &mut tokio::sync::watch::Receiver<bool>) {
    // A closed channel has ended too.
    let _ = end.wait_for(|ended| *ended).await.map(|value| *value);
}
