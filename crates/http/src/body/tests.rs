use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::post;
use hyper::body::Frame;
use proptest::prelude::*;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use sessera_testing::until;

use super::*;

const LARGEST: usize = 1024 * 1024;

/// Bodies whose clients say themselves who they are, or are nobody.
fn bodies(budget: usize) -> Bodies {
    let counter = |name: &str| prometheus::IntCounter::new(name, name).unwrap();
    let full = Full { api: "test", share: counter("share"), whole: counter("whole") };
    let most = Amount { places: budget / PIECE, pieces: budget / PIECE };
    let client: ClientOf = Arc::new(|headers, _| headers.get("client")?.to_str().ok()?.parse().ok());
    Bodies { room: Arc::new(Room::new(most, full)), client, largest: |_, _| LARGEST, refused }
}

/// A guest in a room of its own, with the room.
fn guest(pieces: usize) -> (RoomShare, Arc<Room>) {
    let room = bodies(pieces * PIECE).room;
    (RoomShare::new(room.clone(), None), room)
}

/// An answer that says why a body was refused.
fn refused(refusal: Refusal) -> Response {
    (StatusCode::IM_A_TEAPOT, format!("{refusal:?}")).into_response()
}

/// What a request is answered whose body is refused.
fn refused_as(refusal: Refusal) -> (u16, Bytes) {
    (418, format!("{refusal:?}").into())
}

async fn answer_of(router: Router, body: Body) -> (u16, Bytes) {
    answer_to("", router, body).await
}

async fn answer_to(client: &str, router: Router, body: Body) -> (u16, Bytes) {
    let request = Request::post("/").header("client", client).body(body).unwrap();
    let response = router.oneshot(request).await.unwrap();
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
}

fn echo(bodies: &Bodies) -> Router {
    let read = axum::middleware::from_fn_with_state(bodies.clone(), read);
    Router::new().route("/", post(async |body: Bytes| body)).layer(read)
}

/// A body of which a test sends the parts.
struct Parts(mpsc::UnboundedReceiver<Bytes>);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

fn in_parts() -> (mpsc::UnboundedSender<Bytes>, Body) {
    let (sender, parts) = mpsc::unbounded_channel();
    (sender, Body::new(Parts(parts)))
}

#[tokio::test]
async fn bodies_are_passed_on_whole() {
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, LARGEST] {
        let sent: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (status, echoed) = answer_of(echo(&bodies(LARGEST)), Body::from(sent.clone())).await;
        assert_eq!((status, echoed.as_ref()), (200, sent.as_slice()));
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_passed_over() {
    for (sent, read) in [("\u{FEFF}{}", "{}"), ("\u{FEFF}", ""), ("{}\u{FEFF}", "{}\u{FEFF}")] {
        let answer = answer_of(echo(&bodies(LARGEST)), Body::from(sent)).await;
        assert_eq!(answer, (200, Bytes::from(read)), "{sent:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_takes_nothing() {
    for length in [LARGEST + 1, MAX_DROPPED + 1, MAX_DROPPED + LARGEST + 1] {
        let bodies = bodies(LARGEST);
        let answer = answer_of(echo(&bodies), Body::from(vec![b'x'; length])).await;
        assert_eq!(answer, refused_as(Refusal::TooLarge { largest: LARGEST }));
        assert_eq!(bodies.room.left().pieces, LARGEST / PIECE);
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_too_slowly_is_told_so() {
    let (_sender, body) = in_parts();
    assert_eq!(answer_of(echo(&bodies(LARGEST)), body).await, refused_as(Refusal::TooSlow));
}

proptest! {
    #[test]
    fn a_half_sent_body_costs_what_was_sent_and_one_piece(
        parts in prop::collection::vec(0_usize..40_000, 0..20),
    ) {
        let (guest, room) = guest(LARGEST);
        let mut arrived = Arrived::new(guest);
        let mut sent = 0;
        for length in parts {
            arrived.add(&vec![b'x'; length], LARGEST).unwrap();
            sent += length;
            let held: usize = arrived.pieces.iter().map(Vec::capacity).sum();
            prop_assert!(held <= sent + PIECE, "{held} bytes for {sent}");
            prop_assert_eq!((LARGEST - room.left().pieces) * PIECE, held);
        }
        let (whole, _) = arrived.joined();
        prop_assert_eq!(whole.len(), sent);
    }
}

#[tokio::test]
async fn all_bodies_together_stay_within_the_budget() {
    let bodies = bodies(4 * PIECE);
    let mut halves = Vec::new();
    for _ in 0..4 {
        let (sender, body) = in_parts();
        sender.send(Bytes::from_static(b"half")).unwrap();
        halves.push((sender, tokio::spawn(answer_of(echo(&bodies), body))));
    }
    until(async || bodies.room.left().pieces == 0).await;
    assert_eq!(answer_of(echo(&bodies), Body::from("more")).await, refused_as(Refusal::NoRoom));
    for (sender, answer) in halves {
        drop(sender);
        assert_eq!(answer.await.unwrap(), (200, Bytes::from_static(b"half")));
    }
    assert_eq!(bodies.room.left().pieces, 4);
    assert_eq!(answer_of(echo(&bodies), Body::from("more")).await.0, 200);
}

#[tokio::test]
async fn few_requests_wait_for_their_bodies_at_the_same_time() {
    let bodies = bodies(2 * PIECE);
    let mut waiting = Vec::new();
    for left in [1, 0] {
        // Nothing of the body has come yet.
        let (sender, body) = in_parts();
        waiting.push((sender, tokio::spawn(answer_of(echo(&bodies), body))));
        until(async || bodies.room.left().places == left).await;
    }
    assert_eq!(bodies.room.left().pieces, 2);
    assert_eq!(answer_of(echo(&bodies), Body::from("more")).await, refused_as(Refusal::NoRoom));
    for (sender, answer) in waiting {
        drop(sender);
        assert_eq!(answer.await.unwrap().0, 200);
    }
    assert_eq!(answer_of(echo(&bodies), Body::from("more")).await.0, 200);
}

#[tokio::test]
async fn a_body_counts_until_its_handler_has_answered_or_is_given_up() {
    static FREE: AtomicUsize = AtomicUsize::new(0);
    let bodies = bodies(4 * PIECE);
    let room = bodies.room.clone();
    let look = move |_: Bytes| {
        FREE.store(room.left().pieces, Ordering::Relaxed);
        std::future::ready("seen")
    };
    let layer = axum::middleware::from_fn_with_state(bodies.clone(), read);
    let router = Router::new().route("/", post(look)).layer(layer);
    assert_eq!(answer_of(router, Body::from("x")).await.0, 200);
    assert_eq!((FREE.load(Ordering::Relaxed), bodies.room.left().pieces), (3, 4));
    let (sender, body) = in_parts();
    sender.send(Bytes::from_static(b"half")).unwrap();
    let gone = tokio::spawn(answer_of(echo(&bodies), body));
    until(async || bodies.room.left().pieces == 3).await;
    gone.abort();
    until(async || bodies.room.left().pieces == 4).await;
}

#[tokio::test]
async fn one_client_takes_a_share_of_the_places_and_leaves_the_others() {
    let bodies = bodies(16 * PIECE);
    let mut waiting = Vec::new();
    // Two of sixteen are a share. An IPv6 client has the network of 64 bits.
    for (number, client) in ["2001:db8::1", "2001:db8::2"].into_iter().enumerate() {
        let (sender, body) = in_parts();
        waiting.push((sender, tokio::spawn(answer_to(client, echo(&bodies), body))));
        until(async || bodies.room.left().places == 15 - number).await;
    }
    for client in ["2001:db8::3", "2001:db8::1"] {
        let answer = answer_to(client, echo(&bodies), Body::from("more")).await;
        assert_eq!(answer, refused_as(Refusal::NoRoom), "{client}");
    }
    for client in ["2001:db8:0:1::1", "192.0.2.1"] {
        assert_eq!(answer_to(client, echo(&bodies), Body::from("mine")).await.0, 200, "{client}");
    }
    for (sender, answer) in waiting {
        drop(sender);
        assert_eq!(answer.await.unwrap().0, 200);
    }
    assert_eq!(answer_to("2001:db8::3", echo(&bodies), Body::from("more")).await.0, 200);
    assert_eq!(bodies.room.left(), Amount { places: 16, pieces: 16 });
    assert_eq!((bodies.room.full.share.get(), bodies.room.full.whole.get()), (2, 0));
}

#[tokio::test]
async fn one_client_takes_a_share_of_the_bytes_and_leaves_the_others() {
    let bodies = bodies(16 * PIECE);
    let (sender, body) = in_parts();
    sender.send(Bytes::from(vec![b'x'; 2 * PIECE])).unwrap();
    let half = tokio::spawn(answer_to("192.0.2.1", echo(&bodies), body));
    until(async || bodies.room.left().pieces == 14).await;
    let more = Body::from("more");
    assert_eq!(answer_to("192.0.2.1", echo(&bodies), more).await, refused_as(Refusal::NoRoom));
    assert_eq!(answer_to("192.0.2.2", echo(&bodies), Body::from("mine")).await.0, 200);
    drop(sender);
    assert_eq!(half.await.unwrap().0, 200);
    assert_eq!(answer_to("192.0.2.1", echo(&bodies), Body::from("more")).await.0, 200);
}
