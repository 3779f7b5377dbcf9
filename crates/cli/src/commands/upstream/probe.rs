//! Questions to an upstream, and what its answers mean for whoever places Sessera before it.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{CACHE_CONTROL, DATE, HeaderMap, HeaderName, LOCATION};
use serde_json::Value;
use sessera_config::UpstreamConfig;
use sessera_jose::without_byte_order_mark_in;
use sessera_model::{Clock as _, SystemClock, Timestamp, files};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

/// The largest file with certificates in bytes.
const MAX_CERTIFICATES: u64 = 16 * 1024 * 1024;

/// By how much clocks may differ without a word. Kratos tells the time in whole seconds.
const CLOCKS: Duration = Duration::from_secs(3);

/// How an edge tells that an answer is an old one.
const AGE: HeaderName = HeaderName::from_static("age");
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");

/// What the person gives along.
pub(super) struct Given {
    pub(super) token: Option<String>,
    pub(super) cookie: Option<String>,
    /// The address under which Sessera will be reached.
    pub(super) own_url: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// It works, but a person should know.
    Note,
    /// It could not be checked.
    Open,
    Wrong,
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Open => "not checked",
            Self::Wrong => "wrong",
        }
    }
}

/// What was found out about one thing.
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    /// What to do, where something is to be done.
    pub(super) to_do: String,
}

impl Finding {
    fn new(what: &'static str, verdict: Verdict, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { what, verdict, found: found.into(), to_do: to_do.into() }
    }

    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self::new(what, Verdict::Good, found, "")
    }
}

/// An answer, read whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
    at: SystemTime,
}

impl Answer {
    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A credential, as a header.
type Header<'a> = (&'static str, &'a str);

/// Asks an upstream.
pub(super) struct Probe<'c> {
    config: &'c UpstreamConfig,
    http: reqwest::Client,
}

impl<'c> Probe<'c> {
    /// Asks the upstream of a configuration over connections as a server makes them.
    pub(super) fn new(config: &'c UpstreamConfig) -> Result<Self> {
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.timeout);
        if let Some(file) = &config.ca_file {
            let name = || format!("session.upstream.ca_file: {}", file.display());
            let pem = files::read(file, MAX_CERTIFICATES).with_context(name)?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(without_byte_order_mark_in(&pem)).with_context(name)?;
            ensure!(
                !certificates.is_empty(),
                "{}: it has no certificate. Name a file with certificates as PEM",
                name()
            );
            for certificate in certificates {
                http = http.add_root_certificate(certificate);
            }
        }
        Ok(Self { config, http: http.build()? })
    }

    /// Asks everything. The first question decides whether there are others.
    pub(super) async fn findings(&self, given: &Given) -> Vec<Finding> {
        let mut found = Vec::new();
        let nobody = match self.public("sessions/whoami", None).await {
            Ok(answer) => answer,
            Err(error) => {
                found.push(unreachable("public API", &self.config.url, &error));
                return found;
            }
        };
        found.push(speaks_kratos(&nobody, &self.config.url));
        found.push(self.version().await);
        found.push(clocks(&nobody));
        let token = given.token.as_deref().map(|token| ("x-session-token", token.to_owned()));
        let cookie = given.cookie.as_deref();
        let cookie = cookie.map(|value| ("cookie", format!("{}={value}", self.config.cookie)));
        let by_token = self.session("session of the token", token, "--token").await;
        let by_cookie = self.session("session cookie", cookie, "--cookie").await;
        let session = by_token.1.or(by_cookie.1);
        found.extend([by_token.0, self.about_the_cookie(by_cookie.0)]);
        found.push(self.keeping(session.as_ref()));
        found.push(self.base_url(given).await);
        found.push(self.admin(session.as_ref()).await);
        found
    }

    async fn ask(&self, url: Url, header: Option<Header<'_>>) -> reqwest::Result<Answer> {
        let mut request = self.http.get(url).header("accept", "application/json");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.header(CACHE_CONTROL, "max-age=0").send().await?;
        let (status, headers, at) =
            (response.status().as_u16(), response.headers().clone(), SystemTime::now());
        let body = response.bytes().await?;
        Ok(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default(), at })
    }

    async fn public(&self, path: &str, header: Option<Header<'_>>) -> Result<Answer> {
        Ok(self.ask(self.config.url.join(path)?, header).await?)
    }

    async fn ask_admin(&self, url: &Url, path: &str) -> Result<Answer> {
        let bearer = self.config.admin_token.as_ref().map(|token| format!("Bearer {}", token.expose()));
        let header = bearer.as_deref().map(|bearer| ("authorization", bearer));
        Ok(self.ask(url.join(path)?, header).await?)
    }

    /// The version, which a Kratos tells by its admin API and an Ory Network project by its public one.
    async fn version(&self) -> Finding {
        const WHAT: &str = "version";
        let told = |answer: Result<Answer>| {
            let version = answer.ok()?.body["version"].as_str()?.to_owned();
            (!version.is_empty()).then_some(version)
        };
        let mut version = match &self.config.admin_url {
            Some(url) => told(self.ask_admin(url, "admin/version").await),
            None => None,
        };
        if version.is_none() {
            version = told(self.public("version", None).await);
        }
        match version {
            Some(version) => Finding::good(WHAT, version),
            None if self.config.admin_url.is_none() => {
                let told = "a Kratos tells it by its admin API: name that by --upstream-admin";
                Finding::new(WHAT, Verdict::Open, "the public API does not tell", told)
            }
            None => Finding::new(WHAT, Verdict::Note, "the upstream does not tell", ""),
        }
    }

    /// Whether a credential opens a session.
    async fn session(
        &self,
        what: &'static str,
        credential: Option<(&'static str, String)>,
        option: &str,
    ) -> (Finding, Option<Answer>) {
        let Some((name, value)) = credential else {
            let told = format!("name one by {option} to have it checked");
            return (Finding::new(what, Verdict::Open, "none was given", told), None);
        };
        let answer = match self.public("sessions/whoami", Some((name, &value))).await {
            Ok(answer) => answer,
            Err(error) => return (unreachable(what, &self.config.url, &error), None),
        };
        let id = answer.body["id"].as_str().map(str::to_owned);
        match (answer.status, id) {
            (200, Some(id)) => {
                let ends = answer.body["expires_at"].as_str().and_then(Timestamp::parse);
                if ends.is_some_and(|ends| ends <= SystemClock.now()) {
                    let told = "set the clocks of both machines by NTP";
                    let found = "the upstream shows a session that has ended by the clock of this machine";
                    return (Finding::new(what, Verdict::Wrong, found, told), None);
                }
                (Finding::good(what, format!("it opens the session {id}")), Some(answer))
            }
            (200, None) => {
                let told = "the address must be that of a Kratos' public API: see session.upstream.url";
                (
                    Finding::new(what, Verdict::Wrong, "whoami answers something that is no session", told),
                    None,
                )
            }
            (401, _) => {
                let told = "sign in there and take a new one";
                (Finding::new(what, Verdict::Wrong, "the upstream knows no such session", told), None)
            }
            (403, _) => {
                let told = "sign in with the second factor: the upstream's session.whoami.required_aal asks for it, and Sessera passes that on";
                let found = answer.body["error"]["id"].as_str().unwrap_or("the session is not shown");
                (Finding::new(what, Verdict::Note, found, told), None)
            }
            (429, _) => (limited(what), None),
            (status, _) => {
                let told = "look at the upstream's log";
                (Finding::new(what, Verdict::Wrong, format!("whoami answers {status}"), told), None)
            }
        }
    }

    /// The cookie's name can be told only by one that works.
    fn about_the_cookie(&self, finding: Finding) -> Finding {
        let name = &self.config.cookie;
        match finding.verdict {
            Verdict::Wrong => Finding {
                to_do: format!(
                    "set session.upstream.cookie to the name that the browser shows for the session, unless that is {name}; else sign in again"
                ),
                ..finding
            },
            Verdict::Open => Finding {
                found: format!("{name}, as it is configured"),
                to_do: "name the value of one by --cookie to have its name checked".into(),
                ..finding
            },
            _ => Finding { found: format!("{name}: {}", finding.found), ..finding },
        }
    }

    /// How long answers may be kept, and whether somebody in between keeps them.
    fn keeping(&self, session: Option<&Answer>) -> Finding {
        const WHAT: &str = "keeping answers";
        let ttl = self.config.ttl;
        let Some(answer) = session else {
            let told = "it shows in the answer for a session: give --token or --cookie of one that is there";
            return Finding::new(WHAT, Verdict::Open, format!("Sessera keeps them for {ttl:?}"), told);
        };
        if let Some(age) = answer.text(&AGE).and_then(|age| age.parse::<u64>().ok()).filter(|age| *age > 0) {
            return Finding::new(
                WHAT,
                Verdict::Wrong,
                format!("an answer came that was {age} s old, although a new one was asked for"),
                "let session.upstream.url lead past the proxy that keeps them, or let it obey Cache-Control: max-age=0",
            );
        }
        match answer.text(&CACHE_FOR).map(|text| (text, text.trim().parse().map(Duration::from_secs))) {
            Some((_, Ok(allowed))) if allowed >= ttl => Finding::good(
                WHAT,
                format!("the upstream allows {allowed:?}, Sessera keeps them for {ttl:?}"),
            ),
            Some((text, _)) => Finding::new(
                WHAT,
                Verdict::Note,
                format!("the upstream allows {text} s, so Sessera keeps them no longer"),
                "more questions reach the upstream than session.upstream.ttl promises",
            ),
            None => {
                Finding::good(WHAT, format!("the upstream sets no bound, Sessera keeps them for {ttl:?}"))
            }
        }
    }

    /// Whether forms and redirections lead through Sessera.
    async fn base_url(&self, given: &Given) -> Finding {
        const WHAT: &str = "base URL";
        let flow = self.public("self-service/login/api", None).await;
        let action = flow.ok().and_then(|flow| flow.body["ui"]["action"].as_str().map(str::to_owned));
        let Some(action) = action.and_then(|action| Url::parse(&action).ok()) else {
            let told = "Sessera beside the upstream works all the same";
            return Finding::new(WHAT, Verdict::Open, "no login flow can be begun there", told);
        };
        let theirs = action.origin().ascii_serialization();
        let ours = Url::parse(&given.own_url).map(|url| url.origin().ascii_serialization());
        if ours.is_ok_and(|ours| ours == theirs) {
            return Finding::good(
                WHAT,
                format!("forms lead to {theirs}, which is Sessera: it stands in front"),
            );
        }
        Finding::new(
            WHAT,
            Verdict::Note,
            format!("forms lead to {theirs}, past Sessera: it stands beside"),
            format!(
                "to place it in front, set the upstream's serve.public.base_url to {}; else what happens there is seen after session.upstream.ttl",
                given.own_url
            ),
        )
    }

    /// Whether the admin API answers, about the session that is known too.
    async fn admin(&self, session: Option<&Answer>) -> Finding {
        const WHAT: &str = "admin API";
        const TOLD: &str = "the address must be that of a Kratos' admin API, usually on port 4434: see session.upstream.admin_url";
        let Some(url) = &self.config.admin_url else {
            let told =
                "set session.upstream.admin_url for status lists, bearer, introspection and revocation";
            return Finding::new(WHAT, Verdict::Note, "its address is not configured", told);
        };
        let id = session.and_then(|answer| answer.body["id"].as_str());
        let path = match id {
            Some(id) => format!("admin/sessions/{id}"),
            None => "admin/sessions?page_size=1".into(),
        };
        let is_about_sessions =
            |body: &Value| id.map_or_else(|| body.is_array(), |id| body["id"].as_str() == Some(id));
        let answer = self.ask_admin(url, &path).await;
        match answer {
            Ok(answer) if answer.status == 200 && !is_about_sessions(&answer.body) => Finding::new(
                WHAT,
                Verdict::Wrong,
                format!("it answers GET /{path} with something that is no session"),
                TOLD,
            ),
            Ok(answer) if answer.status == 200 => Finding::good(WHAT, "it answers about sessions"),
            Ok(answer) if matches!(answer.status, 401 | 403) => Finding::new(
                WHAT,
                Verdict::Wrong,
                format!("it answers {}", answer.status),
                "give --upstream-admin-token, or set session.upstream.admin_token, to an API key that may read and end sessions",
            ),
            Ok(answer) if answer.status == 429 => limited(WHAT),
            Ok(answer) => Finding::new(
                WHAT,
                Verdict::Wrong,
                format!("it answers {} to GET /{path}", answer.status),
                TOLD,
            ),
            Err(error) => unreachable(WHAT, url, &error),
        }
    }
}

fn limited(what: &'static str) -> Finding {
    let told = "wait and check again; a longer session.upstream.ttl means fewer questions";
    Finding::new(what, Verdict::Note, "the upstream limits questions (429)", told)
}

fn unreachable(what: &'static str, url: &Url, error: &anyhow::Error) -> Finding {
    let cause = error.root_cause().to_string();
    let told = if cause.contains("CaUsedAsEndEntity") {
        "the server shows the certificate of an authority (CA:TRUE) as its own, which no client takes: make it with -addext basicConstraints=critical,CA:FALSE, or let an authority sign another and name that authority's certificate as session.upstream.ca_file"
    } else if cause.contains("certificate expired") || cause.contains("not valid yet") {
        "have the server show a certificate that is valid now, or set the clock of this machine"
    } else if cause.to_ascii_lowercase().contains("certificate") {
        "name the file with the certificate of its authority as session.upstream.ca_file"
    } else {
        "start it, or set the address in session.upstream to where it answers from this machine"
    };
    Finding::new(what, Verdict::Wrong, format!("{url} cannot be reached: {cause}"), told)
}

/// Whoami without a credential is refused in words that are known.
fn speaks_kratos(nobody: &Answer, url: &Url) -> Finding {
    const WHAT: &str = "public API";
    if nobody.status == 401 && nobody.body["error"]["code"] == 401 {
        return Finding::good(WHAT, format!("{url} answers as a Kratos does"));
    }
    if nobody.status == 429 {
        return limited(WHAT);
    }
    let found = match nobody.text(&LOCATION) {
        Some(location) => format!("whoami redirects to {location}, which Sessera does not follow"),
        None => format!("whoami without a credential answers {}, and a Kratos answers 401", nobody.status),
    };
    let told = "set session.upstream.url to the public API itself, usually on port 4433";
    Finding::new(WHAT, Verdict::Wrong, found, told)
}

/// The difference of the clocks, by the time that answers tell.
fn clocks(answer: &Answer) -> Finding {
    const WHAT: &str = "clocks";
    let theirs = answer.text(&DATE).and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
    let Some(theirs) = theirs.map(SystemTime::from) else {
        return Finding::new(WHAT, Verdict::Open, "answers do not tell the time", "");
    };
    let (ahead, by) = match theirs.duration_since(answer.at) {
        Ok(by) => ("ahead of", by),
        Err(behind) => ("behind", behind.duration()),
    };
    if by <= CLOCKS {
        return Finding::good(WHAT, "they show the same time");
    }
    Finding::new(
        WHAT,
        Verdict::Wrong,
        format!("the upstream's clock is {} s {ahead} this machine's", by.as_secs()),
        "set both clocks by NTP: sessions would end too early or too late here",
    )
}
