//! The client of all requests.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, header};
use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use sessera_config::reach::{Addresses, is_public};
use tokio::sync::{OnceCell, Semaphore};
use url::{Host, Url};

/// What is sent as `User-Agent` where nothing else is said.
const USER_AGENT: HeaderValue = HeaderValue::from_static("sessera");

/// How many connections to one host are kept that nobody uses.
const IDLE_PER_HOST: usize = 8;

/// What a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long it may take from the look-up of the name to the last byte of the answer.
    pub time: Duration,
    /// How many bytes the body of the answer may have.
    pub answer: usize,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host has private addresses only, and only public ones may be connected to.
    #[error(
        "it leads to a private address, to which requests are refused: name the URL in clients.http.private_ip_exception_urls, or set clients.http.disallow_private_ip_ranges: false"
    )]
    Private,
    /// It took too long.
    #[error("it did not answer in time")]
    TimedOut,
    /// The body of the answer is larger than the bound, in bytes.
    #[error("it answered with more than {0} bytes")]
    TooLarge(usize),
    /// As many requests of this kind are under way as may be.
    #[error("too many requests of this kind are under way")]
    Busy,
    /// There is no connection, or it broke off.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
}

/// Sends requests of one purpose. Those of another purpose have their own, so that none takes the room of others.
#[derive(Debug)]
pub struct Outgoing {
    room: Semaphore,
    /// Connects to public addresses only.
    public: OnceCell<Client>,
    /// Connects to any address. It has connections of its own, so that none of them is used where only public addresses
    /// may be.
    any: OnceCell<Client>,
}

impl Outgoing {
    /// One by which at most so many requests are under way at the same time. Nothing is connected to before the first
    /// request.
    pub fn new(most: usize) -> Self {
        Self { room: Semaphore::new(most), public: OnceCell::new(), any: OnceCell::new() }
    }

    /// Sends a request and reads the whole answer, whatever its status is. Redirections are answers as any other.
    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        addresses: Addresses,
        bounds: Bounds,
    ) -> Result<Response<Vec<u8>>, Failure> {
        let _place = self.room.try_acquire().map_err(|_| Failure::Busy)?;
        let exchange = self.exchange(request, addresses, bounds.answer);
        tokio::time::timeout(bounds.time, exchange).await.unwrap_or(Err(Failure::TimedOut))
    }

    async fn exchange(
        &self,
        mut request: Request<Vec<u8>>,
        addresses: Addresses,
        most: usize,
    ) -> Result<Response<Vec<u8>>, Failure> {
        request.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        if addresses == Addresses::Public && leads_to_private(request.url()) {
            return Err(Failure::Private);
        }
        let client = self.client(addresses).await.map_err(failure)?;
        let mut answer = client.execute(request).await.map_err(failure)?;
        let mut head = Response::new(Vec::new());
        *head.status_mut() = answer.status();
        *head.headers_mut() = std::mem::take(answer.headers_mut());
        let body = head.body_mut();
        while let Some(part) = answer.chunk().await.map_err(failure)? {
            if part.len() > most.saturating_sub(body.len()) {
                return Err(Failure::TooLarge(most));
            }
            body.extend_from_slice(&part);
        }
        Ok(head)
    }

    async fn client(&self, addresses: Addresses) -> reqwest::Result<&Client> {
        match addresses {
            // A proxy of the environment would look names up itself, and nobody here would see the address.
            Addresses::Public => {
                let make = async || builder().no_proxy().dns_resolver(Arc::new(PublicOnly)).build();
                self.public.get_or_try_init(make).await
            }
            Addresses::Any => self.any.get_or_try_init(async || builder().build()).await,
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder().redirect(Policy::none()).referer(false).pool_max_idle_per_host(IDLE_PER_HOST)
}

/// Whether the host of a URL is itself an address that is private. Names are judged when they are looked up.
fn leads_to_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Looks names up and passes over addresses that are private, so that what was checked is what is connected to.
struct PublicOnly;

/// A name has private addresses only.
#[derive(Debug, thiserror::Error)]
#[error("all addresses of the host are private")]
struct OnlyPrivate;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is that of the URL, whichever stands here.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Box::new(OnlyPrivate) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn failure(error: reqwest::Error) -> Failure {
    // The URL may have secrets in it, so it is never part of what is said.
    let error = error.without_url();
    let causes = || std::iter::successors(Some(&error as &(dyn Error + 'static)), |&error| error.source());
    if causes().any(<dyn Error>::is::<OnlyPrivate>) {
        return Failure::Private;
    }
    Failure::Unreachable(causes().last().map(ToString::to_string).unwrap_or_default())
}

#[cfg(test)]
mod tests;
