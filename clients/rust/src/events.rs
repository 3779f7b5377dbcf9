//! Refusing tokens of sessions that have ended within a second of their end, for back ends that may follow the events of the admin
//! API.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{sleep, timeout};

use crate::{Check, Error, Verifier};

/// The longest event, in bytes.
const MAX_EVENT: usize = 1 << 20;

/// A connection that is quiet gets a comment every 15 seconds.
const MAX_SILENCE: Duration = Duration::from_secs(30);

/// How long after a connection that ended the next one is made.
const PAUSE: Duration = Duration::from_secs(1);

/// How far the clock of the server may differ, and how much longer than a token lives is remembered that it is over, in seconds.
const SLACK: i64 = 60;

/// A check that knows which sessions have ended. Make one, [run](Self::run) it, and give it to a verifier.
pub struct Follower {
    admin: String,
    token: String,
    client: Client,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
    heard: Mutex<Heard>,
}

impl Follower {
    /// A follower: `admin` is the address of the admin API, `token` an admin token of the role viewer, and `longest` how long a
    /// token lives at the most.
    pub fn new(admin: &str, token: &str, longest: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder().redirect(Policy::none()).read_timeout(MAX_SILENCE).build()?;
        let (admin, token) = (admin.strip_suffix('/').unwrap_or(admin).to_owned(), token.to_owned());
        let now = Box::new(|| OffsetDateTime::now_utc().unix_timestamp());
        Ok(Self { admin, token, client, now, heard: Mutex::new(Heard::new(longest)) })
    }

    /// Follows without end. `lost` is told why a connection failed, and the next one is made.
    pub async fn run(&self, lost: impl Fn(String)) {
        loop {
            if let Err(why) = self.follow().await {
                lost(why);
            }
            sleep(PAUSE).await;
        }
    }

    /// Makes a connection and hears all of it. One that is lost without a word is given up.
    async fn follow(&self) -> Result<(), String> {
        let begin = self.heard().last;
        if begin.is_none() {
            let last = self.find_beginning().await?;
            self.heard().last = Some(last);
        }
        let last = self.heard().connected().unwrap_or_default();
        let mut answer = self.ask("/admin/events?outcome=done", last).await?;
        while let Some(part) = answer.chunk().await.map_err(|error| error.to_string())? {
            self.heard().hear(&part, (self.now)())?;
        }
        Ok(())
    }

    /// Behind which event to begin: what has to be known is what happened while a token was good that still is.
    async fn find_beginning(&self) -> Result<i64, String> {
        let until = (self.now)() - self.heard().longest - SLACK;
        let until =
            OffsetDateTime::from_unix_timestamp(until).ok().and_then(|time| time.format(&Rfc3339).ok());
        let path = format!("/admin/audit?page_size=1&until={}", until.unwrap_or_default());
        let read =
            async { self.ask(&path, 0).await?.json::<Value>().await.map_err(|error| error.to_string()) };
        let entries = timeout(MAX_SILENCE, read).await.map_err(|error| error.to_string())??;
        Ok(entries.pointer("/0/number").and_then(Value::as_i64).unwrap_or_default())
    }

    async fn ask(&self, path: &str, last: i64) -> Result<Response, String> {
        let asked = self.client.get(format!("{}{path}", self.admin)).bearer_auth(&self.token);
        let answer = asked.header("last-event-id", last).send().await.map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200 => Ok(answer),
            other => {
                if other == 400 {
                    self.heard().forget();
                }
                Err(format!("the events cannot be followed: the server answers {other}"))
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Check for Follower {
    async fn check(&self, _: &Verifier, claims: &Map<String, Value>) -> Result<(), Error> {
        self.heard().check(claims, (self.now)())
    }
}

/// What was heard. All of it goes by the time that it is given, in seconds since 1970.
pub struct Heard {
    longest: i64,
    last: Option<i64>,
    text: Vec<u8>,
    is_caught_up: bool,
    at: Option<i64>,
    ended: Ended,
    older: Ended,
    turned: i64,
}

/// What has ended.
#[derive(Default)]
struct Ended {
    sessions: HashSet<String>,
    /// For people, or nobody in particular, the last moment before which a token is refused, for each session that was left out.
    people: HashMap<String, HashMap<String, i64>>,
}

impl Heard {
    /// Nothing was heard, and tokens live as long as this at the most.
    pub fn new(longest: Duration) -> Self {
        let longest = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX / 2);
        let (ended, older) = <(Ended, Ended)>::default();
        Self { longest, last: None, text: Vec::new(), is_caught_up: false, at: None, ended, older, turned: 0 }
    }

    /// Everything up to this event is known.
    pub fn begin_after(&mut self, number: i64) {
        self.last = Some(number);
    }

    /// Knows nothing, as a new one. The record has not reached what was heard: it is another one, as after a backup was brought
    /// back.
    fn forget(&mut self) {
        *self = Self { longest: self.longest, ..Self::new(Duration::ZERO) };
    }

    /// Begins a connection, and gives the number behind which to go on.
    pub fn connected(&mut self) -> Option<i64> {
        self.text.clear();
        self.is_caught_up = false;
        self.last
    }

    /// Takes in a part of the events. The error says what cannot be read.
    pub fn hear(&mut self, part: &[u8], now: i64) -> Result<(), String> {
        // The end of an event may lie across two parts.
        let mut from = self.text.len().saturating_sub(1);
        self.text.extend_from_slice(part);
        while let Some(at) = self.text[from..].windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.text.drain(..from + at + 2).collect();
            self.note(&event[..from + at], now)?;
            from = 0;
        }
        if self.text.len() > MAX_EVENT { Err("an event is too long".into()) } else { Ok(()) }
    }

    fn note(&mut self, event: &[u8], now: i64) -> Result<(), String> {
        self.is_caught_up |= event == b": caught up";
        for line in event.split(|byte| *byte == b'\n') {
            if let Some(data) = line.strip_prefix(b"data: ") {
                let entry: Value = serde_json::from_slice(data).map_err(|error| error.to_string())?;
                self.remember(&entry, now).ok_or("an event says less than it should")?;
            }
        }
        // What happened before is not known until all of it is read.
        if self.is_caught_up {
            self.at = Some(now);
        }
        Ok(())
    }

    fn remember(&mut self, entry: &Value, now: i64) -> Option<()> {
        self.last = Some(entry.get("number")?.as_i64()?);
        // Twice at the most: what has ended stays in memory for as long as its tokens may live.
        if now - self.turned > self.longest + SLACK {
            self.older = std::mem::take(&mut self.ended);
            self.turned = now;
        }
        let (action, about) = (entry.get("action")?.as_str()?, entry.get("about")?);
        let text = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_off = action == "identity_changed" && text("state") == "inactive";
        if entry.get("outcome")?.as_str()? != "done" {
            return Some(());
        }
        if action == "session_ended" {
            self.ended.sessions.insert(text("session_id"));
        } else if action == "sessions_ended" || action == "identity_deleted" || is_off {
            let at = OffsetDateTime::parse(entry.get("at")?.as_str()?, &Rfc3339).ok()?.unix_timestamp();
            self.ended.people.entry(text("identity_id")).or_default().insert(text("except"), at);
        }
        Some(())
    }

    /// Refuses claims whose session has ended. Nobody can say so while the events cannot be had.
    pub fn check(&self, claims: &Map<String, Value>, now: i64) -> Result<(), Error> {
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let known = text("sid").zip(number("iat")).zip(number("exp"));
        let known = known.filter(|((_, begin), end)| end.saturating_sub(*begin) <= self.longest);
        let why = "it names no session, or it lives longer than what has ended is remembered";
        let ((sid, begin), _) = known.ok_or_else(|| Error::Refused(why.into()))?;
        if self.at.is_none_or(|at| now - at > MAX_SILENCE.as_secs().cast_signed()) {
            return Err(Error::Unavailable("nobody knows which sessions have ended".into()));
        }
        let people = [text("sub").unwrap_or_default(), ""];
        let has = |ended: &Ended| {
            let ends = people.iter().filter_map(|person| ended.people.get(*person)).flatten();
            ended.sessions.contains(sid) || ends.into_iter().any(|(except, at)| except != sid && begin <= *at)
        };
        if has(&self.ended) || has(&self.older) {
            return Err(Error::Refused("its session has ended".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_follower_of_another_record_begins_anew() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", server.local_addr().unwrap());
        let mut follower = Follower::new(&admin, "token", Duration::from_secs(600)).unwrap();
        follower.now = Box::new(|| 1_000_000);
        let about = json!({"session_id": "s"});
        let entry = json!({"number": 7, "action": "session_ended", "outcome": "done", "about": about});
        let claims = json!({"sub": "p", "sid": "s", "iat": 999_900, "exp": 1_000_400});
        let check = || follower.heard().check(claims.as_object().unwrap(), 1_000_000);
        let told = format!(": caught up\n\ndata: {entry}\n\n");
        follower.heard().hear(told.as_bytes(), 1_000_000).unwrap();
        assert!(matches!(check(), Err(Error::Refused(_))));
        let answer = async {
            let (mut asked, mut head) = (server.accept().await.unwrap().0, vec![0; 4096]);
            let length = asked.read(&mut head).await.unwrap();
            asked.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            String::from_utf8(head[..length].to_vec()).unwrap()
        };
        let (followed, asked) = tokio::join!(follower.follow(), answer);
        assert!(followed.is_err() && asked.contains("last-event-id: 7\r\n"), "{asked}");
        assert!(matches!(check(), Err(Error::Unavailable(_))));
        assert_eq!(follower.heard().connected(), None);
        follower.heard().hear(b": caught up\n\n", 1_000_000).unwrap();
        assert!(check().is_ok());
    }
}
