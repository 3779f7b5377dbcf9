//! Where a server listens: on sockets that were opened for it, and else on those that it opens itself.

use std::net::TcpListener as Opened;

use sessera_config::{Config, Problem};
use tokio::net::TcpListener;

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address is taken or does not exist.
    #[error("cannot listen on {address}: {problem}. Stop what listens there, or set serve.{api}.port")]
    Address {
        /// Which API.
        api: &'static str,
        /// Host and port.
        address: String,
        /// What the operating system says.
        problem: std::io::Error,
    },
    /// There is a socket for questions that nobody answers.
    #[error(
        "a socket is open for the gateway, and serve.gateway.enabled is not true. Set it, or stop opening the socket"
    )]
    NoGateway,
}

/// Sockets that listen already, and on which a server goes on. Each of them counts more than the host and the port that are
/// configured for its API.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For the public API.
    pub public: Option<Opened>,
    /// For the admin API.
    pub admin: Option<Opened>,
    /// For the questions of proxies.
    pub gateway: Option<Opened>,
}

impl Sockets {
    /// Where they listen, by the variables of the environment that would say so. What is judged by the address, such as an admin API
    /// that everybody can reach, is then judged by that of the socket.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for (api, socket) in [("PUBLIC", &self.public), ("ADMIN", &self.admin), ("GATEWAY", &self.gateway)] {
            if let Some(address) = socket.as_ref().and_then(|socket| socket.local_addr().ok()) {
                variables.push((format!("SERVE_{api}_HOST"), address.ip().to_string()));
                variables.push((format!("SERVE_{api}_PORT"), address.port().to_string()));
            }
        }
        variables
    }
}

/// The sockets of a server.
pub(crate) struct Listening {
    pub(crate) public: TcpListener,
    pub(crate) admin: TcpListener,
    /// Absent where no proxy asks.
    pub(crate) gateway: Option<TcpListener>,
}

impl Listening {
    /// Takes the sockets that are open, and opens the others.
    pub(crate) async fn begin(sockets: Sockets, config: &Config) -> Result<Self, ListenError> {
        let public = listen("public", sockets.public, &config.public.host, config.public.port).await?;
        let admin = listen("admin", sockets.admin, &config.admin.host, config.admin.port).await?;
        let gateway = match (&config.gateway, sockets.gateway) {
            (on, open) if on.enabled => Some(listen("gateway", open, &on.host, on.port).await?),
            (_, Some(_)) => return Err(ListenError::NoGateway),
            _ => None,
        };
        Ok(Self { public, admin, gateway })
    }
}

/// The hosts on which nothing can listen on this machine, whatever the port. On the machine for which the configuration is
/// meant that may be otherwise.
pub(crate) fn nowhere(config: &Config) -> Vec<Problem> {
    let gateway = config.gateway.enabled.then_some(("gateway", &config.gateway.host));
    let hosts = [("public", &config.public.host), ("admin", &config.admin.host)].into_iter().chain(gateway);
    let told = hosts.filter_map(|(api, host)| {
        let problem = Opened::bind((host.as_str(), 0)).err()?;
        let sentence = format!("on this machine no server can listen on {host}: {problem}");
        Some(Problem::new(format!("/serve/{api}/host"), sentence))
    });
    told.collect()
}

async fn listen(
    api: &'static str,
    open: Option<Opened>,
    host: &str,
    port: u16,
) -> Result<TcpListener, ListenError> {
    let listener = match open {
        Some(open) => open.set_nonblocking(true).and_then(|()| TcpListener::from_std(open)),
        None => TcpListener::bind((host, port)).await,
    };
    listener.map_err(|problem| ListenError::Address { api, address: format!("{host}:{port}"), problem })
}
