//! Accepts connections and serves a router on them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Request, Version};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use prometheus::{IntCounter, IntGauge};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, join};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::aside::Aside;
use crate::counted::Counted;
use crate::head_timer::HeadTimer;
use crate::in_flight::{InFlight, Watched};
use crate::own_refusals::OwnRefusals;
use crate::write_timeout::WriteTimeout;
use sessera_config::Timeouts;

/// The largest head of a request in bytes. Larger ones are answered with 431.
const MAX_HEAD: usize = 64 * 1024;

/// How much of a body a client may send over HTTP/2 before it is read, in bytes.
const WINDOW: u32 = 64 * 1024;

/// How many requests a connection of HTTP/2 may have in flight. Proxies open another connection for more.
const STREAMS: u32 = 16;

/// How many requests a port may have in flight, those aside that are answered at once.
const REQUESTS: usize = 4096;

/// How long a request over HTTP/2 may be in flight, beside the time that its client may take for the answer.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// How many clients that are sent away are waited for at the same time.
const FAREWELLS: usize = 8;

/// How long a client that is sent away may take to go.
const FAREWELL: Duration = Duration::from_secs(1);

/// What answers a request of somebody before the router is asked, where it can.
pub type Shortcut = Arc<dyn Fn(SocketAddr, &Request<Incoming>) -> Option<Response> + Send + Sync>;

/// The slots for connections, and what they are counted in.
#[derive(Debug)]
pub struct Slots {
    /// How many there are.
    pub most: usize,
    /// How many are taken.
    pub taken: IntGauge,
    /// How many connections were refused because all were taken.
    pub refused: IntCounter,
}

/// What is answered on a port.
pub struct Answers {
    /// What answers before the router is asked, where it can.
    pub shortcut: Shortcut,
    /// What answers everything else.
    pub router: Router,
    /// The bytes that a client is sent for whose connection there is no slot.
    pub no_slot: &'static [u8],
    /// What stands in the place of bytes that hyper is about to write, because it cannot read a request; nothing
    /// when they may stay.
    pub in_place_of: fn(&[u8]) -> Option<Vec<u8>>,
    /// What is answered where as many requests are in flight as there may be.
    pub busy: fn() -> Response,
}

/// Answers on as many connections as there are slots until it is told to stop, then lets requests in flight
/// finish.
pub async fn serve(
    listener: TcpListener,
    answers: Answers,
    slots: Slots,
    timeouts: Timeouts,
    stop: CancellationToken,
) {
    // Each connection holds a receiver, so its channel closes when the last one has ended.
    let (connections, _) = watch::channel(());
    let server = server(timeouts.head);
    let Slots { most, taken, refused } = slots;
    let slots = Arc::new(Semaphore::new(most));
    let answers = Arc::new(answers);
    let farewells = Arc::new(Semaphore::new(FAREWELLS));
    let places = Arc::new(Semaphore::new(REQUESTS));
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    wait_after(&error).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        // Answers are small and complete; waiting to fill a packet would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended before it began");
            continue;
        }
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            refused.inc();
            send_away(&stream, answers.no_slot);
            if let Ok(farewell) = farewells.clone().try_acquire_owned() {
                tokio::spawn(async move {
                    // A client that goes on sending misses nothing.
                    let _ = timeout(FAREWELL, part_from(stream)).await;
                    drop(farewell);
                });
            }
            continue;
        };
        let client =
            Client { peer, asked: Arc::default(), places: places.clone(), watched: Watched::default() };
        let overdue = overdue(client.clone(), timeouts.clone());
        let service = service(answers.clone(), client);
        let (reader, writer) = stream.into_split();
        let writer = OwnRefusals::new(WriteTimeout::new(writer, timeouts.answer), answers.in_place_of);
        let stream = TokioIo::new(join(reader, writer));
        let mut server = server.clone();
        server.http1().timer(HeadTimer::default());
        let counted = Counted::new(&taken);
        let stop = stop.clone();
        let open = connections.subscribe();
        tokio::spawn(async move {
            let mut connection = pin!(server.serve_connection(stream, service));
            let mut ends = Aside::new(async move {
                tokio::select! {
                    () = stop.cancelled() => Ends::Stopped,
                    why = overdue => Ends::Overdue(why),
                }
            });
            let ended = poll_fn(|context| {
                match ends.poll(context) {
                    Poll::Ready(Ends::Overdue(why)) => return Poll::Ready(Err(why.into())),
                    Poll::Ready(Ends::Stopped) => connection.as_mut().graceful_shutdown(),
                    Poll::Pending => {}
                }
                connection.as_mut().poll(context)
            });
            if let Err(error) = ended.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop((slot, counted, open));
        });
    }
    drop(listener);
    if timeout(timeouts.grace, connections.closed()).await.is_err() {
        tracing::warn!(grace = ?timeouts.grace, "some requests did not finish in time and were cut off");
    }
}

/// What ends a connection beside its client.
enum Ends {
    /// The server was told to stop: the request in flight is the last one.
    Stopped,
    /// The client takes too long, as this says.
    Overdue(&'static str),
}

/// Returns why a connection ends before its client has closed it.
///
/// Until its first bytes tell which version of HTTP it speaks, nothing else bounds the time to its first request. Afterwards the
/// time-outs of HTTP/1 do; requests over HTTP/2 are watched.
async fn overdue(client: Client, timeouts: Timeouts) -> &'static str {
    if timeout(timeouts.head, client.asked.notified()).await.is_err() {
        return "a client never asked for anything";
    }
    if !client.watched.has_begun() {
        std::future::pending::<()>().await;
    }
    client.watched.stalled(LONGEST_REQUEST + timeouts.answer).await;
    "a client does not take its answers"
}

fn server(head: Duration) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(MAX_HEAD)
        .http2()
        .timer(TokioTimer::new())
        // What a client sends before anybody reads it waits in memory, so it is not much.
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(head);
    server
}

/// A client, and what bounds its requests.
#[derive(Clone)]
struct Client {
    /// Where it is.
    peer: SocketAddr,
    /// Is told of every request.
    asked: Arc<Notify>,
    /// The places for requests of the port.
    places: Arc<Semaphore>,
    /// Its requests over HTTP/2.
    watched: Watched,
}

/// Answers the requests of a connection, and tells each of them where it comes from.
fn service(
    answers: Arc<Answers>,
    client: Client,
) -> impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static>
{
    service_fn(move |mut request: Request<Incoming>| {
        client.asked.notify_one();
        let watched = (request.version() == Version::HTTP_2).then(|| client.watched.begin());
        let mut in_flight = InFlight { permit: None, request: watched };
        let mut answered = (answers.shortcut)(client.peer, &request);
        if answered.is_none() {
            in_flight.permit = client.places.clone().try_acquire_owned().ok();
            answered = in_flight.permit.is_none().then(answers.busy);
        }
        let answer = match answered {
            Some(response) => Answer::Made(response),
            None => {
                request.extensions_mut().insert(ConnectInfo(client.peer));
                Answer::Routed(answers.router.clone().call(request))
            }
        };
        async move {
            let response = match answer {
                Answer::Made(response) => response,
                Answer::Routed(routed) => routed.await?,
            };
            Ok(response.map(|body| in_flight.with(body)))
        }
    })
}

/// The answer to a request.
enum Answer {
    /// An answer that is there already, made before the router.
    Made(Response),
    /// The router makes it.
    Routed(RouteFuture<Infallible>),
}

/// How many connections may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// By operators.
    pub operators: usize,
    /// By everybody else.
    pub others: usize,
}

/// How many connections may be held, so that file descriptors are left for the database, for files and for
/// mail. The limit of the process is raised as far as it may be.
pub fn most_connections() -> Most {
    /// File descriptors for everything else.
    const OTHERS: u64 = 40;
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Where it cannot be raised, it stays as it is.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
        limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    }
    let free = limit.current.map_or(u64::MAX, |limit| limit.saturating_sub(OTHERS));
    let free = usize::try_from(free).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    // An operator must get in however many others are there.
    let admin = (free / 8).max(8);
    Most { operators: admin, others: free.saturating_sub(admin).max(8) }
}

/// Tells a client for which there is no slot to come back. It has sent nothing that was read yet, so the
/// answer is for its first request.
fn send_away(stream: &TcpStream, no_slot: &[u8]) {
    // The buffer of a new socket takes it whole; a client that is gone misses nothing.
    let _ = stream.try_write(no_slot);
}

/// Ends a connection and reads away what comes: one that is closed with unread bytes is reset, and some
/// clients then never see what they were told.
async fn part_from(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut dropped = [0; 4096];
    while stream.read(&mut dropped).await? > 0 {}
    Ok(())
}

/// A connection that ended while it waited is nothing. When the process has no file descriptor left,
/// waiting lets others finish; asking again at once would only burn the processor.
async fn wait_after(error: &io::Error) {
    let ended = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !ended {
        tracing::warn!(%error, "cannot accept connections right now");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
