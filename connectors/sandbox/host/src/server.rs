//! The HTTP server: loopback only, one task per connection, faults applied around the truth.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    task::{JoinHandle, JoinSet},
};

use crate::{Call, Effect, Planned, Reply, control};

const BODY_LIMIT: usize = 100 << 20;

/// A vendor as the server sees it; clones share one state.
pub trait Face: Clone + Send + Sync + 'static {
    /// What can be planted.
    type Action: Planned;

    /// Longest request target in bytes before [`Face::too_long`] answers.
    const URI_LIMIT: usize;

    /// Counters that the server keeps for this sandbox.
    fn traffic(&self) -> &Traffic;

    /// The endpoint kind of a call, as counters and faults name it.
    fn kind_of(&self, call: &Call) -> &'static str;

    /// The planted fault that hits this call, its time spent; see [`crate::Faults::strike`].
    fn strike(&self, call: &Call, kind: &str) -> Option<Self::Action>;

    /// The true answer, after taking effect. `action` is the fault that hit the call, if any.
    fn truth(&self, call: &Call, kind: &'static str, action: Option<&Self::Action>) -> Reply;

    /// Counts a call that a fault answered, and dresses the answer as the vendor would.
    fn planted(&self, kind: &'static str, reply: Reply) -> Reply;

    /// Called after a call took effect: to wake whoever delivers what it caused.
    fn took_effect(&self);

    /// Headers of every answer, `date` among them; names in lower case.
    fn headers(&self, number: u64) -> Vec<(&'static str, String)>;

    /// The answer to an address longer than the limit.
    fn too_long(&self) -> Reply;

    /// The answer to a call under `/_sandbox`.
    fn control(&self, call: &Call) -> impl Future<Output = Reply> + Send;
}

/// What the server counts, and where it holds hanging requests.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    handled: AtomicU64,
    releases: AtomicU64,
    unhang: Notify,
}

impl Traffic {
    /// Time spent on vendor calls, each from its last byte received to its answer made; control calls and planted
    /// faults not counted.
    pub fn handling(&self) -> Duration {
        Duration::from_nanos(self.handled.load(Ordering::Relaxed))
    }

    /// Lets hanging requests go.
    pub fn release(&self) {
        self.releases.fetch_add(1, Ordering::SeqCst);
        self.unhang.notify_waiters();
    }

    /// Waits for a release later than the `seen`-th.
    async fn held(&self, seen: u64) {
        loop {
            let released = self.unhang.notified();
            if self.releases.load(Ordering::SeqCst) > seen {
                return;
            }
            released.await;
        }
    }
}

/// Why a sandbox cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is not a loopback address.
    #[error("refusing to listen on {address}: the sandbox is loopback only; use 127.0.0.1 or ::1")]
    NotLoopback {
        /// The address asked for.
        address: IpAddr,
    },
    /// The port cannot be bound.
    #[error("cannot listen on {address}; choose another port, or 0 for any")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// A bound port that nobody serves yet: connections wait.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `face` until stopped or dropped; must be called inside a tokio runtime.
    pub fn serve<F: Face>(self, face: F) -> Server {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(self.listener, face, stopped));
        Server { address: self.address, stop: Some(stop), task }
    }
}

/// A running server. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds a loopback address; port 0 for any.
    pub async fn bind(address: IpAddr, port: u16) -> Result<Bound, ListenError> {
        if !address.is_loopback() {
            return Err(ListenError::NotLoopback { address });
        }
        let wanted = SocketAddr::new(address, port);
        let bind = |source| ListenError::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Bound { listener, address })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

async fn serve<F: Face>(listener: TcpListener, face: F, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let face = face.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(face.clone(), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
    connections.shutdown().await;
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped on demand")]
struct Dropped;

async fn answer<F: Face>(face: F, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    let number = face.traffic().requests.fetch_add(1, Ordering::Relaxed) + 1;
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
    if target.len() > F::URI_LIMIT {
        return Ok(response(&face, &face.too_long(), number));
    }
    let Ok(body) = axum::body::to_bytes(Body::new(body), BODY_LIMIT).await else {
        return Ok(response(&face, &Reply::html(413, "<h1>Bad Message 413</h1>"), number));
    };
    let call = Call::new(number, head.method, &target, head.headers, body);
    if control::is_control(&call) {
        let reply = face.control(&call).await;
        return Ok(response(&face, &reply, number));
    }
    let kind = face.kind_of(&call);
    // Read before the fault strikes: whoever sees it gone from the list may release it at once.
    let releases = face.traffic().releases.load(Ordering::SeqCst);
    let action = face.strike(&call, kind);
    let effect = action.as_ref().map_or(Effect::Truth, Planned::effect);
    match effect {
        Effect::Instead(reply) => Ok(response(&face, &face.planted(kind, reply), number)),
        Effect::DropBefore => Err(Dropped),
        Effect::Hang => {
            face.traffic().held(releases).await;
            Ok(response(&face, &truth(&face, &call, kind, action.as_ref()), number))
        }
        Effect::Delay(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(response(&face, &truth(&face, &call, kind, action.as_ref()), number))
        }
        Effect::Afterwards(reply) => {
            truth(&face, &call, kind, action.as_ref());
            Ok(response(&face, &reply, number))
        }
        Effect::DropAfter => {
            truth(&face, &call, kind, action.as_ref());
            Err(Dropped)
        }
        Effect::Truncate(bytes) => {
            let reply = truth(&face, &call, kind, action.as_ref());
            Ok(truncated(&face, &reply, bytes, number))
        }
        Effect::Truth => Ok(response(&face, &truth(&face, &call, kind, action.as_ref()), number)),
    }
}

/// What the vendor really answers, timed.
fn truth<F: Face>(face: &F, call: &Call, kind: &'static str, action: Option<&F::Action>) -> Reply {
    let began = Instant::now();
    let reply = face.truth(call, kind, action);
    let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    face.traffic().handled.fetch_add(took, Ordering::Relaxed);
    face.took_effect();
    reply
}

fn response<F: Face>(face: &F, reply: &Reply, number: u64) -> Response<Body> {
    dressed(face, reply, number, Body::from(reply.body.clone()))
}

/// Headers of the whole body, then only its start, then a broken connection.
fn truncated<F: Face>(face: &F, reply: &Reply, bytes: usize, number: u64) -> Response<Body> {
    let start = reply.body.slice(..bytes.min(reply.body.len()));
    let parts = futures::stream::unfold(Some(start), |part| async move {
        if let Some(start) = part {
            return Some((Ok::<Bytes, std::io::Error>(start), None));
        }
        // Going round once lets the connection flush what it has before it breaks.
        tokio::task::yield_now().await;
        Some((Err(std::io::ErrorKind::ConnectionReset.into()), None))
    });
    let mut response = dressed(face, reply, number, Body::from_stream(parts));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    response
}

fn dressed<F: Face>(face: &F, reply: &Reply, number: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let content_type =
        (!reply.content_type.is_empty()).then(|| ("content-type", reply.content_type.to_owned()));
    let every = face.headers(number).into_iter().chain(content_type);
    for (name, value) in every.chain(reply.headers.iter().cloned()) {
        let pair = (http::HeaderName::try_from(name), HeaderValue::from_str(&value));
        if let (Ok(name), Ok(value)) = pair {
            headers.insert(name, value);
        }
    }
    response
}
