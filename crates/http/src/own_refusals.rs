//! A connection on which hyper's own refusals look like all other answers.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// The half of a connection that writes. It writes an answer with headers and a body where hyper writes a bare status,
/// because it cannot read the request.
pub(super) struct OwnRefusals<S> {
    stream: S,
    /// What stands in the place of bytes that hyper is about to write; nothing when they may stay.
    in_place_of: fn(&[u8]) -> Option<Vec<u8>>,
    /// What stands in the place of what was written, and how much of it is gone.
    instead: Vec<u8>,
    gone: usize,
}

impl<S: AsyncWrite + Unpin> OwnRefusals<S> {
    pub(super) const fn new(stream: S, in_place_of: fn(&[u8]) -> Option<Vec<u8>>) -> Self {
        Self { stream, in_place_of, instead: Vec::new(), gone: 0 }
    }

    /// Writes the rest of what stands in the place of something else.
    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.instead.get(self.gone..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.gone += written;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes bytes that are about to be written, when others stand in their place.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        let Some(instead) = (self.in_place_of)(bytes) else { return false };
        (self.instead, self.gone) = (instead, 0);
        true
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OwnRefusals<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        if self.takes(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        if let [only] = pieces
            && self.takes(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
