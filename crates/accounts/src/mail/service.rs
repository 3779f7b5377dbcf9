//! A service that takes messages over HTTP.

use serde_json::{Value, json};
use sessera_config::Problem;
use sessera_config::reach::Reach;
use sessera_config::sections::request as written;

use super::{Data, EMAIL, Mail, NotSent, template_type};
use crate::hooks::caller::{HookRequest, Reply, Unanswered};
use crate::hooks::request::{NoRequest, Request};

/// What is sent where the configuration names no program.
const BODY: &str = include_str!("body.jsonnet");

/// A service that takes messages.
#[derive(Clone, Debug)]
pub struct Service(Request);

impl Service {
    /// Compiles a service. What is wrong is added to the problems.
    pub(super) fn compile(
        request: &written::Request,
        reach: &Reach,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        match Request::compile(request, reach, Some(BODY)) {
            Ok(request) => Some(Self(request)),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// The request that hands a message over, which goes by a channel.
    pub fn request(
        &self,
        template: &str,
        (via, to): (&str, &str),
        mail: &Mail,
        data: &Data,
    ) -> Result<HookRequest, NotSent> {
        self.0.make(&context(template, (via, to), mail, data), false).map_err(|error| match error {
            NoRequest::CalledOff => NotSent::Never("the program that makes its body calls it off".into()),
            NoRequest::Broken(error) => NotSent::Later(format!("its body cannot be made: {error}")),
        })
    }

    /// What became of a message that was handed over. What the service says stays here, because it may repeat the code.
    pub fn judge(answer: Result<Reply, Unanswered>) -> Result<(), NotSent> {
        match answer {
            Ok(Reply::Told(_) | Reply::Well) => Ok(()),
            Ok(Reply::Refused(_) | Reply::Forbidden(_)) => {
                Err(NotSent::Never("the service refuses it".into()))
            }
            Ok(Reply::Troubled(what) | Reply::Strange(what)) => Err(NotSent::Later(what)),
            Err(error) => Err(NotSent::Later(error.to_string())),
        }
    }
}

/// What the program gets as `ctx`.
fn context(template: &str, (via, to): (&str, &str), mail: &Mail, data: &Data) -> Value {
    let mut context = json!({
        "recipient": to,
        "subject": mail.subject,
        "body": mail.text,
        "template_type": template_type(template),
        "template_data": data.for_services(),
        "message_type": via,
        "request_headers": data.request_headers,
    });
    if via == EMAIL {
        context["html_body"] = mail.html.as_str().into();
    }
    context
}
