//! Serving a router over a socket: limits, time-outs and an orderly end.

pub(crate) mod body;
pub(crate) mod cors;
pub(crate) mod layers;
pub(crate) mod listener;
pub(crate) mod observe;
pub(crate) mod origin;
mod own_refusals;
pub(crate) mod sound;
mod write_timeout;

#[cfg(test)]
mod tests;
