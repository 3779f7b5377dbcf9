//! The client against others that answer too much, too slowly, or from where nobody should be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A minute ends a test that hangs and judges nothing.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(60), answer: 1024 };

/// Somebody who answers what `answer` writes after the head of a request, and counts connections.
struct Other {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Other {
    async fn answering<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                answer(stream).await;
            }
        });
        Self { port, connections }
    }

    async fn saying(text: &'static str) -> Self {
        Self::answering(move |mut stream| async move {
            let _ = stream.write_all(text.as_bytes()).await;
        })
        .await
    }

    fn request(&self, host: &str) -> Request<Vec<u8>> {
        Request::get(format!("http://{host}:{}/?key=SECRET", self.port)).body(Vec::new()).unwrap()
    }
}

async fn ask(other: &Other) -> Result<Response<Vec<u8>>, Failure> {
    Outgoing::new(1).send(other.request("127.0.0.1"), Addresses::Any, BOUNDS).await
}

#[tokio::test]
async fn an_answer_is_read_whole_and_no_redirection_is_followed() {
    let good = Other::saying("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-mine: 1\r\n\r\nhello").await;
    let answer = ask(&good).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (200, &b"hello"[..]));
    assert_eq!(answer.headers()["x-mine"], "1");
    let lure = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n";
    let answer = ask(&Other::saying(lure).await).await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept() {
    let declared = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    for head in [declared, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = sent.clone();
        let endless = Other::answering(move |mut stream| {
            let counted = counted.clone();
            async move {
                let _ = stream.write_all(head.as_bytes()).await;
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                    counted.fetch_add(4096, Ordering::Relaxed);
                }
            }
        });
        assert_eq!(ask(&endless.await).await.unwrap_err(), Failure::TooLarge(BOUNDS.answer));
        // What the system took from the one side and nobody read on the other.
        assert!(sent.load(Ordering::Relaxed) < 16 * 1024 * 1024);
    }
}

#[tokio::test]
async fn what_is_exactly_as_large_as_it_may_be_is_kept() {
    let body = "x".repeat(BOUNDS.answer);
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let answer = ask(&Other::saying(text.leak()).await).await.unwrap();
    assert_eq!(answer.body().len(), BOUNDS.answer);
}

// Time jumps as soon as everybody waits, so that nobody does.
#[tokio::test(start_paused = true)]
async fn who_never_answers_or_drips_is_given_up() {
    let silent = Other::answering(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    assert_eq!(ask(&silent.await).await.unwrap_err(), Failure::TimedOut);
    let dripping = Other::answering(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert_eq!(ask(&dripping.await).await.unwrap_err(), Failure::TimedOut);
}

#[tokio::test]
async fn a_private_address_is_not_connected_to_whatever_leads_there() {
    let other = Other::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let outgoing = Outgoing::new(1);
    // A connection that is kept is no way around it.
    assert!(outgoing.send(other.request("127.0.0.1"), Addresses::Any, BOUNDS).await.is_ok());
    assert!(outgoing.send(other.request("localhost"), Addresses::Any, BOUNDS).await.is_ok());
    let before = other.connections.load(Ordering::Relaxed);
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"] {
        let refused = outgoing.send(other.request(host), Addresses::Public, BOUNDS).await;
        assert_eq!(refused.unwrap_err(), Failure::Private, "{host}");
    }
    assert_eq!(other.connections.load(Ordering::Relaxed), before);
}

#[tokio::test]
async fn more_than_may_be_under_way_are_refused_at_once() {
    let silent = Other::answering(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let outgoing = Outgoing::new(1);
    let first = outgoing.send(silent.request("127.0.0.1"), Addresses::Any, BOUNDS);
    let second = async {
        tokio::task::yield_now().await;
        outgoing.send(silent.request("127.0.0.1"), Addresses::Any, BOUNDS).await
    };
    tokio::select! {
        biased;
        _ = first => panic!("nobody answers"),
        second = second => assert_eq!(second.unwrap_err(), Failure::Busy),
    }
}

#[tokio::test]
async fn what_is_said_of_a_failure_has_nothing_of_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let request = Request::get(format!("http://user:SECRET@127.0.0.1:{port}/?key=SECRET"));
    let request = request.body(Vec::new()).unwrap();
    let failure = Outgoing::new(1).send(request, Addresses::Any, BOUNDS).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    assert!(!failure.to_string().contains("SECRET"), "{failure}");
}
