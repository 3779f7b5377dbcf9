//! A connection that does not wait for ever until its client takes an answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};

/// The half of a connection that writes. Its writes fail once the other side has not taken all that was written for too long. A client
/// that takes a byte now and then gains nothing: the time counts until everything is taken.
pub(super) struct WriteTimeout<S> {
    stream: S,
    limit: Duration,
    /// Runs while something waits to be taken.
    waits: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    /// `limit` is how long the other side may take for what is written to it.
    pub(super) const fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, waits: None }
    }

    /// Notes whether something waits, and fails when it has waited for too long.
    fn judge<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let limit = self.limit;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(waits.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take the answer")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // Asked for when everything was written, so nothing waits any more.
        if flushed.is_ready() {
            self.waits = None;
        }
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_or_too_little_is_given_up() {
        let (ours, mut theirs) = duplex(8);
        let mut bounded = WriteTimeout::new(ours, LIMIT);
        let slow = tokio::spawn(async move {
            let mut byte = [0];
            while theirs.read_exact(&mut byte).await.is_ok() {
                sleep(LIMIT / 10).await;
            }
        });
        let error = bounded.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(bounded);
        slow.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_it_in_time_gets_the_next_one_too() {
        let (ours, mut theirs) = duplex(8);
        let mut bounded = WriteTimeout::new(ours, LIMIT);
        let taker = tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..5 {
                sleep(LIMIT / 2).await;
                let mut answer = [0; 16];
                theirs.read_exact(&mut answer).await.unwrap();
                taken.extend(answer);
            }
            taken.len()
        });
        for _ in 0..5 {
            bounded.write_all(&[1; 16]).await.unwrap();
            bounded.flush().await.unwrap();
        }
        assert_eq!(taker.await.unwrap(), 80);
    }
}
