//! Answers the questions of proxies: may this request pass, and with which headers?
//!
//! Apps behind a proxy need to know nothing of sessions: the proxy asks here about each request, and the app gets a header
//! with a signed token. There are four dialects and one decision.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | how questions are judged, compiled from the configuration |
//! | [`snapshot`] | the routes with everything that they are judged by |
//! | [`question`] | one request of a proxy's client, whichever dialect it came in |
//! | [`gateway`] | the judge: from a question to a decision |
//! | [`tried`] | requests that somebody tries, of which nothing is left |
//! | [`decision`] | what becomes of a question, and of the headers of the client's request |
//! | [`values`] | claims as values of headers |
//! | [`port`] | what is answered on the port: three dialects over HTTP, which `asked` reads, and `grpc` |
//! | [`health`] | whether questions over gRPC are answered |
//! | `answer` | decisions as answers with their statuses |

mod answer;
mod asked;
mod client;
pub mod decision;
pub mod dialect;
pub mod gateway;
#[cfg(feature = "grpc")]
mod grpc;
pub mod health;
pub mod port;
pub mod question;
pub mod routes;
pub mod snapshot;
pub mod tried;
pub mod values;

pub use gateway::Gateway;
pub use health::Health;
pub use snapshot::Snapshot;
