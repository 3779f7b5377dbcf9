//! `sessera proxy-config`

use std::io::Write as _;
use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use sessera_config::gateway::DEFAULT_ROUTE;
use sessera_config::sections::gateway::Route;
use sessera_config::{ConfigFile, load};

use super::list::routes;
use crate::global::Global;
use crate::upstream_options::UpstreamOptions;

/// The headers in which sessions come. They are set anew in any case.
const OF_SESSIONS: [&str; 4] = ["Authorization", "Cookie", "X-Session-Token", "X-Session-Cookie"];

/// How many headers a filter of the Gateway API of Kubernetes takes away at the most.
const REMOVED_IN_KUBERNETES: usize = 16;

/// A proxy, and the file that it is configured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Proxy {
    /// nginx, with its module `auth_request`
    Nginx,
    /// Caddy
    Caddy,
    /// HAProxy; the file haproxy-lua stands beside it
    Haproxy,
    /// The script by which HAProxy asks
    HaproxyLua,
    /// Envoy, which asks over gRPC
    Envoy,
    /// Envoy, which asks over HTTP
    EnvoyHttp,
    /// Traefik
    Traefik,
    /// Istio
    Istio,
    /// Gateway API of Kubernetes
    KubernetesGateway,
    /// Apache APISIX
    Apisix,
}

impl Proxy {
    /// The file, in which {{names}} stand for what differs between deployments.
    const fn file(self) -> &'static str {
        match self {
            Self::Nginx => include_str!("files/nginx.conf"),
            Self::Caddy => include_str!("files/Caddyfile"),
            Self::Haproxy => include_str!("files/haproxy.cfg"),
            Self::HaproxyLua => include_str!("files/sessera.lua"),
            Self::Envoy => include_str!("files/envoy.yaml"),
            Self::EnvoyHttp => include_str!("files/envoy-http.yaml"),
            Self::Traefik => include_str!("files/traefik.yml"),
            Self::Istio => include_str!("files/istio.yaml"),
            Self::KubernetesGateway => include_str!("files/kubernetes-gateway.yaml"),
            Self::Apisix => include_str!("files/apisix.yaml"),
        }
    }
}

/// Print the configuration of a proxy for a route of the gateway
///
/// The route is that of the running server, or of the configuration files that are named. The file is complete: it has the
/// addresses of the app and of the gateway and every header of the route. docs/proxies has a page for each proxy.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera proxy-config nginx --route api > /etc/nginx/conf.d/app.conf
  sessera proxy-config envoy --route api --app app.internal:8080 \\
    --listen 0.0.0.0:80
  sessera proxy-config caddy --route api --config sessera.yml
  sessera proxy-config haproxy --config kratos.yml \\
    --upstream http://127.0.0.1:4433")]
pub(crate) struct ProxyConfig {
    /// The proxy
    #[arg(value_enum)]
    proxy: Proxy,
    /// The route by which it asks
    #[arg(long, default_value = DEFAULT_ROUTE)]
    route: String,
    /// Where the app listens [default: 127.0.0.1:3000]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    app: Option<Address>,
    /// Where the proxy listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    listen: Option<Address>,
    /// Where the gateway listens [default: as the configuration files say, else as the running server says]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    gateway: Option<Address>,
    /// Configuration files with the route; then no server is asked
    #[arg(short, long, value_name = "FILE")]
    config: Vec<ConfigFile>,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

/// A host with a port.
#[derive(Clone, Debug)]
struct Address {
    host: String,
    port: u16,
}

impl Address {
    fn of_this_machine(port: u16) -> Self {
        Self { host: "127.0.0.1".into(), port }
    }

    /// Its host without the brackets of IPv6.
    fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its host, where that is an address of IP.
    fn ip(&self) -> Option<IpAddr> {
        self.bare_host().parse().ok()
    }

    /// Its host as YAML has it, where brackets make a list and a colon ends a name.
    fn host_in_yaml(&self) -> String {
        let bare = self.bare_host();
        if bare.contains(':') { format!("\"{bare}\"") } else { bare.to_owned() }
    }

    /// The service of Kubernetes that its host names, with its namespace where that is said: `name`, `name.namespace` or
    /// `name.namespace.svc` with whatever the cluster is called.
    fn service(&self) -> Option<(&str, Option<&str>)> {
        let is_label = |label: &&str| {
            let is_of_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && label.bytes().all(is_of_label)
        };
        let labels: Vec<&str> = self.host.split('.').collect();
        if self.ip().is_some() || !labels.iter().all(is_label) {
            return None;
        }
        match labels[..] {
            [name] => Some((name, None)),
            [name, namespace] | [name, namespace, "svc", ..] => Some((name, Some(namespace))),
            _ => None,
        }
    }
}

fn address(text: &str) -> Result<Address, String> {
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match parts {
        Some((host, port)) if is_host(host) => Ok(Address { host: host.to_owned(), port }),
        _ => Err("a host with a port is expected, such as 127.0.0.1:8080".into()),
    }
}

/// Whether a text can stand as a host in the files of proxies, where other signs end a name or a line.
fn is_host(text: &str) -> bool {
    let is_of_host =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '[' | ']');
    !text.is_empty() && text.chars().all(is_of_host)
}

impl ProxyConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let (routes, told, cookie) = if self.config.is_empty() {
            let context = global.connect().await?;
            let (config, gateway) = context.client.config_with_gateway(&context.project).await?;
            let (sections, _) = sessera_config::config::read(&config);
            let told = gateway.map(|gateway| GatewayLocation {
                by: "the running server",
                enabled: gateway.enabled,
                address: gateway.address,
            });
            (routes(&config), told, sections.session.cookie.name)
        } else {
            let environment = self.upstream.over_process();
            let config = load(&self.config, &environment).and_then(|loaded| loaded.config());
            let config = config.context("the configuration cannot be used (a server that is started with --upstream needs it here, too)")?;
            let (enabled, address) = (config.gateway.enabled, config.gateway.address());
            let told = GatewayLocation { by: "the configuration", enabled, address };
            (config.gateway.routes, Some(told), config.session.cookie.name)
        };
        let Some(route) = routes.get(&self.route) else {
            let names: Vec<&str> = routes.keys().map(String::as_str).collect();
            let stored = if self.config.is_empty() {
                ""
            } else {
                " in these files. What was changed by the API is stored and replaces the files. Leave out --config, and the running server is asked, or fetch what is stored and name it behind them: sessera get identity-config --format json-pretty > stored.json"
            };
            bail!("there is no route \"{}\"{stored}. There is: {}", self.route, names.join(", "));
        };
        let gateway = match (&self.gateway, told) {
            (Some(named), _) => named.clone(),
            (None, Some(told)) => {
                let address = told.address()?;
                global.output().note(&told.note());
                address
            }
            (None, None) => bail!(
                "the server does not say where its gateway listens: name that with --gateway HOST:PORT, or the configuration files with -c"
            ),
        };
        for note in self.not_printed(&gateway, route) {
            global.output().note(&note);
        }
        let listen = self.listen.clone().unwrap_or_else(|| Address::of_this_machine(8080));
        let is_envoy = matches!(self.proxy, Proxy::Envoy | Proxy::EnvoyHttp);
        if is_envoy && listen.ip().is_none() {
            bail!("Envoy listens at an address and not at a name: write --listen 127.0.0.1:{}", listen.port);
        }
        let app = self.app.unwrap_or_else(|| Address::of_this_machine(3000));
        let addresses = [("gateway", gateway), ("app", app), ("listen", listen)];
        let file = filled(self.proxy, &addresses, (&self.route, route), &cookie);
        std::io::stdout().write_all(file.as_bytes()).context("the file cannot be printed")
    }
}

impl ProxyConfig {
    /// What was asked for and does not stand in the file, or does not work there, one sentence each.
    fn not_printed(&self, gateway: &Address, route: &Route) -> Vec<String> {
        let file = self.proxy.file();
        let has = |placeholder: &str| file.contains(placeholder);
        let mut notes = Vec::new();
        if self.listen.is_some() && !has("{{listen") {
            notes.push(
                "the file does not say where the proxy listens, so --listen counts for nothing".to_owned(),
            );
        }
        if self.app.is_some() && !has("{{app") {
            notes.push("the file does not say where the app is, so --app counts for nothing".to_owned());
        }
        for (name, address) in [("app", self.app.as_ref()), ("gateway", Some(gateway))] {
            let Some(Address { host, .. }) = address.filter(|address| address.service().is_none()) else {
                continue;
            };
            if has(&format!("{{{{{name}_service}}}}")) {
                notes.push(format!(
                    "the file has the port of the {name} alone, because {host} is no service of Kubernetes: name that with --{name} SERVICE.NAMESPACE:PORT, or write it into the file"
                ));
            }
        }
        let spellings = underscored(&headers(route)).len();
        if self.proxy == Proxy::KubernetesGateway && spellings > REMOVED_IN_KUBERNETES {
            notes.push(format!(
                "the headers of the route have {spellings} spellings with underscores, and a filter of Kubernetes takes away {REMOVED_IN_KUBERNETES} headers at the most: have fewer headers, or ones with fewer hyphens, or let the proxy drop all names with underscores and take the list out of the file"
            ));
        }
        if self.route != DEFAULT_ROUTE && self.proxy == Proxy::Istio {
            notes.push(format!(
                "Istio names no route, so its questions are judged by the route \"{DEFAULT_ROUTE}\" and not by \"{}\"; the file says how to change that",
                self.route
            ));
        }
        notes
    }
}

/// Where a gateway is, and who says so.
struct GatewayLocation {
    by: &'static str,
    enabled: bool,
    address: String,
}

impl GatewayLocation {
    /// Where a proxy reaches it.
    fn address(&self) -> Result<Address> {
        let Self { by, address: told, .. } = self;
        let Ok(address) = address(told) else { bail!("{by} says no good address of the gateway: {told}") };
        if address.port == 0 || address.ip().is_some_and(|ip| ip.is_unspecified()) {
            bail!(
                "the gateway listens at {told}, as {by} says, which is no address that a proxy can ask: name one with --gateway HOST:PORT"
            );
        }
        Ok(address)
    }

    /// What a person should know of it.
    fn note(&self) -> String {
        let off = if self.enabled { "" } else { ", and is off: turn it on with serve.gateway.enabled" };
        format!("the file asks the gateway at {}, where it is as {} says{off}", self.address, self.by)
    }
}

/// The file of a proxy for a route, which has a name. A line with the name of a header stands there once for each header.
fn filled(proxy: Proxy, addresses: &[(&str, Address)], route: (&str, &Route), cookie: &str) -> String {
    let (name, route) = route;
    let headers = headers(route);
    let mut file = String::new();
    for line in proxy.file().lines() {
        let is_without_namespace = |(of, address): &(&str, Address)| {
            line.contains(&format!("{{{{{of}_namespace}}}}"))
                && !matches!(address.service(), Some((_, Some(_))))
        };
        if addresses.iter().any(is_without_namespace) {
            continue;
        }
        let line = addresses.iter().fold(line.to_owned(), |line, (of, address)| replaced(&line, of, address));
        let line = line
            .replace("{{route}}", name)
            .replace("{{cookie}}", cookie)
            .replace("{{Headers}}", &headers.join(" "));
        let lines: Vec<String> = if line.contains("{{Underscored}}") {
            underscored(&headers).iter().map(|name| line.replace("{{Underscored}}", name)).collect()
        } else if ["{{Header}}", "{{header}}", "{{header_}}"].iter().any(|name| line.contains(name)) {
            let of = |header: &String| {
                let small = header.to_ascii_lowercase();
                line.replace("{{Header}}", header)
                    .replace("{{header_}}", &small.replace('-', "_"))
                    .replace("{{header}}", &small)
            };
            headers.iter().map(of).collect()
        } else {
            vec![line]
        };
        for line in lines {
            file.push_str(&line);
            file.push('\n');
        }
    }
    file
}

fn replaced(line: &str, name: &str, address: &Address) -> String {
    let Address { host, port } = address;
    // What is no service is one that somebody makes for it.
    let (service, namespace) =
        address.service().unwrap_or((if name == "gateway" { "sessera" } else { name }, None));
    line.replace(&format!("{{{{{name}}}}}"), &format!("{host}:{port}"))
        .replace(&format!("{{{{{name}_host}}}}"), host)
        .replace(&format!("{{{{{name}_ip}}}}"), &address.host_in_yaml())
        .replace(&format!("{{{{{name}_port}}}}"), &port.to_string())
        .replace(&format!("{{{{{name}_service}}}}"), service)
        .replace(&format!("{{{{{name}_namespace}}}}"), namespace.unwrap_or_default())
}

/// Every header that the app gets anew.
fn headers(route: &Route) -> Vec<String> {
    let token = route.template.is_some().then(|| route.header.clone());
    let mut headers: Vec<String> = Vec::new();
    let all = token.into_iter().chain(route.headers.keys().cloned());
    for header in all.chain(OF_SESSIONS.map(str::to_owned)) {
        if !headers.iter().any(|known| known.eq_ignore_ascii_case(&header)) {
            headers.push(header);
        }
    }
    headers
}

/// The names that an app which takes underscores for hyphens reads as one of these headers.
fn underscored(headers: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for header in headers {
        let parts: Vec<&str> = header.split('-').collect();
        // One bit for each hyphen; all hyphens are the header itself.
        for choice in 1..1_u32 << (parts.len() - 1) {
            let mut name = parts[0].to_owned();
            for (at, part) in parts[1..].iter().enumerate() {
                name.push(if choice >> at & 1 == 1 { '_' } else { '-' });
                name.push_str(part);
            }
            names.push(name);
        }
    }
    names
}
