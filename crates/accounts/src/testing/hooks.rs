//! Web hooks for tests: they note what they are told, and answer what a test says.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::hooks::caller::{HookCaller, HookRequest, Refusal, Reply, Unanswered};

/// All web hooks of a test. What has no answer of its own answers that it is well.
#[derive(Default)]
pub(crate) struct StubHooks {
    answers: Mutex<HashMap<String, Result<Reply, Unanswered>>>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl StubHooks {
    /// Says what the web hook at a path answers from now on.
    pub(crate) fn answer(&self, path: &str, answer: Result<Reply, Unanswered>) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// The calls since the last look, each with its path and its body.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The paths of the calls since the last look.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.calls().into_iter().map(|(path, _)| path).collect()
    }
}

#[async_trait]
impl HookCaller for StubHooks {
    async fn call(&self, request: &HookRequest) -> Result<Reply, Unanswered> {
        let path = request.url.path().to_owned();
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        self.calls.lock().unwrap().push((path.clone(), body));
        let answer = self.answers.lock().unwrap().get(&path).cloned();
        answer.unwrap_or(Ok(Reply::Well))
    }
}

/// A web hook at a path, with more of its configuration. It is told everything.
pub(crate) fn hook(path: &str, more: Value) -> Value {
    let mut config = json!({
        "url": format!("https://hooks.example.org{path}"),
        "method": "POST",
        "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg=",
    });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    json!({"hook": "web_hook", "config": config})
}

/// An answer that refuses, with a message at a field.
pub(crate) fn refusal(pointer: &str) -> Result<Reply, Unanswered> {
    let message = json!({"id": 123, "text": "not <i>this</i> one", "type": "error"});
    let body = json!({"messages": [{"instance_ptr": pointer, "messages": [message]}]});
    Ok(turned_down(&body.to_string()))
}

/// An answer with the status 400 and a body.
pub(crate) fn turned_down(body: &str) -> Reply {
    Reply::Refused(Refusal { said: "it answered with the status 400".into(), body: body.as_bytes().to_vec() })
}

/// An answer with the status 403 and nothing else.
pub(crate) fn forbidden() -> Reply {
    Reply::Forbidden(Refusal { said: "it answered with the status 403".into(), body: Vec::new() })
}

/// An answer that changes an identity.
pub(crate) fn change(identity: Value) -> Result<Reply, Unanswered> {
    Ok(Reply::Told(json!({ "identity": identity }).to_string().into_bytes()))
}
