//! The client, which keeps connections and sends one request at a time on each, without pipelining.
//!
//! It spins on its own core rather than sleep, so that the times are those of the server. Between two looks,
//! whatever else has work on that core goes first. At a fixed rate a request's time counts from when it was
//! due, not from when a connection was free for it, so a server that stops for a second is charged for all
//! requests of that second ("coordinated omission"). What holds a client up that has its core to itself is
//! taken out ([`Schedule`]).

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::schedule::Schedule;

/// One request, and how its answer is known to be the right one.
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    /// A text that the answer must hold.
    pub(crate) expected: String,
}

impl Request {
    /// The request to the handler that does nothing.
    pub(crate) fn to_nothing() -> Self {
        Self { bytes: b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec(), expected: "ok".into() }
    }
}

/// How the client speaks on its connections.
pub(crate) trait Protocol {
    /// How many different requests there are.
    fn requests(&self) -> usize;

    /// What a connection begins with.
    fn greeting(&self) -> &[u8];

    /// Writes a request, of which its connection had `turn` before it.
    fn say(&self, number: usize, turn: u32, into: &mut Vec<u8>);

    /// Whether the whole answer to that request is there, which is then checked. What the other side must be told
    /// meanwhile is added to `reply`, and what was understood is taken from `heard`.
    fn hear(&self, number: usize, turn: u32, heard: &mut Vec<u8>, reply: &mut Vec<u8>) -> Result<bool>;
}

/// HTTP/1.1.
impl<R: AsRef<[Request]> + ?Sized> Protocol for R {
    fn requests(&self) -> usize {
        self.as_ref().len()
    }

    fn greeting(&self) -> &[u8] {
        &[]
    }

    fn say(&self, number: usize, _turn: u32, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.as_ref()[number].bytes);
    }

    fn hear(&self, number: usize, _turn: u32, heard: &mut Vec<u8>, _reply: &mut Vec<u8>) -> Result<bool> {
        if !is_whole(heard)? {
            return Ok(false);
        }
        check(heard, &self.as_ref()[number])?;
        heard.clear();
        Ok(true)
    }
}

/// How much load, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// Requests a second. There are as many as possible when it is absent.
    pub(crate) rate: Option<f64>,
    /// Whether nothing that the server waits for, such as a database, runs on the client's core. Then what holds the client up is no time
    /// of the server.
    pub(crate) alone: bool,
}

/// What the load resulted in.
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// The times from when a request was due to its whole answer, in microseconds.
    pub(crate) times: Histogram<u64>,
    /// How long other work held the client up.
    pub(crate) held_up: Duration,
}

impl Outcome {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of minutes fit")]
        let requests = self.requests as f64;
        requests / self.elapsed.as_secs_f64()
    }

    /// A percentile of the times in milliseconds.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of minutes fit")]
        let micros = self.times.value_at_percentile(percent) as f64;
        micros / 1_000.0
    }
}

struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
    to_say: Vec<u8>,
    /// How many requests it had before the one that is under way.
    turn: u32,
    /// The number of the request under way, and when it was due.
    under_way: Option<(usize, Instant)>,
}

/// Sends requests in turn for the time of the load and checks every answer.
pub(crate) fn run<S: Protocol + ?Sized>(load: Load, speech: &S) -> Result<Outcome> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut connections = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let mut stream = std::net::TcpStream::connect(load.address)?;
        stream.set_nodelay(true)?;
        stream.write_all(speech.greeting())?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
        let heard = Vec::with_capacity(16 * 1024);
        connections.push(Connection { stream, heard, to_say: Vec::new(), turn: 0, under_way: None });
    }
    let mut idle: VecDeque<usize> = (0..load.connections).collect();
    let mut times = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    let (mut sent, mut answered) = (0_usize, 0_u64);
    let start = Instant::now();
    let mut schedule = Schedule::new(start, load.rate, load.alone);
    loop {
        let now = Instant::now();
        let over = now - start >= load.time;
        let held_up = schedule.look(now);
        if load.alone && !held_up.is_zero() {
            for (_, due) in connections.iter_mut().filter_map(|connection| connection.under_way.as_mut()) {
                *due += held_up;
            }
        }
        if over && idle.len() == connections.len() {
            break;
        }
        while !over && !idle.is_empty() {
            let due = schedule.due(sent);
            if due > now {
                break;
            }
            let Some(free) = idle.pop_front() else { break };
            let number = sent % speech.requests();
            let connection = &mut connections[free];
            connection.under_way = Some((number, due));
            speech.say(number, connection.turn, &mut connection.to_say);
            send(connection)?;
            sent += 1;
        }
        if now - start > load.time + Duration::from_secs(60) {
            bail!("some answers did not come within a minute");
        }
        poll.poll(&mut events, Some(Duration::ZERO))?;
        if events.is_empty() {
            // A database on this core must not wait until the client's share of the core is used up.
            std::thread::yield_now();
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            receive(connection)?;
            let Connection { heard, to_say, turn, under_way, .. } = connection;
            // What comes while nothing is under way is heard together with the next answer.
            let Some((number, due)) = *under_way else { continue };
            let is_answered = speech.hear(number, *turn, heard, to_say)?;
            send(connection)?;
            if !is_answered {
                continue;
            }
            connection.under_way = None;
            connection.turn += 1;
            let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
            times.saturating_record(micros.max(1));
            answered += 1;
            idle.push_back(event.token().0);
        }
    }
    Ok(Outcome { requests: answered, elapsed: start.elapsed(), times, held_up: schedule.held_up() })
}

/// Sends what is there to say, which fits the buffer of an idle socket.
fn send(connection: &mut Connection) -> Result<()> {
    if !connection.to_say.is_empty() {
        connection.stream.write_all(&connection.to_say)?;
        connection.to_say.clear();
    }
    Ok(())
}

fn receive(connection: &mut Connection) -> Result<()> {
    let mut part = [0; 16 * 1024];
    loop {
        match connection.stream.read(&mut part) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(length) => {
                connection.heard.extend_from_slice(&part[..length]);
                if length < part.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the head and the whole body are there, as `Content-Length` or the last chunk tells.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(end) = find(answer, b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(&answer[..end])?;
    let is_chunked = |line: &str| line.eq_ignore_ascii_case("transfer-encoding: chunked");
    if head.lines().any(is_chunked) {
        return Ok(answer.ends_with(b"\r\n0\r\n\r\n"));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    Ok(answer.len() >= end + 4 + length.unwrap_or_default())
}

fn check(answer: &[u8], request: &Request) -> Result<()> {
    if !answer.starts_with(b"HTTP/1.1 200") || find(answer, request.expected.as_bytes()).is_none() {
        bail!("a wrong answer, {} was expected: {}", request.expected, String::from_utf8_lossy(answer));
    }
    Ok(())
}

/// Where a part begins. An empty one begins at once.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let Some(first) = part.first().copied() else { return Some(0) };
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == first) {
        if text[from + at..].starts_with(part) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        for length in 0..answer.len() {
            assert!(!is_whole(&answer[..length]).unwrap());
        }
        assert!(is_whole(answer).unwrap());
    }

    #[test]
    fn an_answer_in_chunks_is_whole_with_the_last_one() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        for length in 0..answer.len() {
            assert!(!is_whole(&answer[..length]).unwrap());
        }
        assert!(is_whole(answer).unwrap());
    }

    #[test]
    fn a_wrong_answer_is_told() {
        let request = Request { bytes: vec![], expected: "ada".into() };
        assert!(check(b"HTTP/1.1 200 OK\r\n\r\nada", &request).is_ok());
        assert!(check(b"HTTP/1.1 200 OK\r\n\r\nadb", &request).is_err());
        assert!(check(b"HTTP/1.1 401 Unauthorized\r\n\r\nada", &request).is_err());
    }
}
