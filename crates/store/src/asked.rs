//! Who asks for what is done, and by which request, for the record of it. A server says so once for each request, and
//! whatever is committed for the request finds it here.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessera_model::{Actor, Uuid};

tokio::task_local! {
    /// The request that the task works for.
    static ASKED: Arc<Mutex<Asked>>;
}

/// A request, as far as it is known. What is done for none is done by the system. One that asks for something that is done
/// later is kept with that as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its id.
    pub request_id: String,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The program of the client, as that says.
    pub user_agent: String,
    /// Who asks the admin API, where nothing is done later.
    #[serde(skip)]
    pub actor: Option<Actor>,
    /// Who is signed in.
    pub identity_id: Option<Uuid>,
}

impl Asked {
    /// Does something for the request.
    pub async fn during<T>(self, work: impl Future<Output = T>) -> T {
        ASKED.scope(Arc::new(Mutex::new(self)), work).await
    }

    /// Notes what was found out about the request that this task works for.
    pub fn note(found_out: impl FnOnce(&mut Self)) {
        // Outside of requests there is nothing to note it at.
        let _ = ASKED.try_with(|asked| found_out(&mut asked.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Who asks, as the record has it: the kind, and the name and role or the id. Without a request it is the system.
    pub fn by(asked: Option<&Self>) -> Value {
        let Some(asked) = asked else { return json!({ "kind": "system" }) };
        match (&asked.actor, asked.identity_id) {
            (Some(Actor::Token { name, role }), _) => json!({ "kind": "token", "name": name, "role": role }),
            (Some(Actor::Configured), _) => json!({ "kind": "configuration" }),
            (Some(Actor::Anybody), _) => json!({ "kind": "anybody" }),
            (None, Some(id)) => json!({ "kind": "identity", "id": id }),
            (None, None) => json!({ "kind": "nobody" }),
        }
    }

    /// The request that this task works for.
    pub fn now() -> Option<Self> {
        ASKED.try_with(|asked| asked.lock().unwrap_or_else(PoisonError::into_inner).clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_found_out_is_known_until_the_request_ends() {
        let asked = Asked { request_id: "r".into(), ..Asked::default() };
        let later = asked.clone().during(async {
            Asked::note(|asked| asked.actor = Some(Actor::Configured));
            tokio::task::yield_now().await;
            Asked::now()
        });
        assert_eq!(later.await, Some(Asked { actor: Some(Actor::Configured), ..asked }));
        Asked::note(|_| panic!("there is no request"));
        assert_eq!(Asked::now(), None);
    }
}
