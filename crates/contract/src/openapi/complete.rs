//! What the layers around handlers answer, and who may ask: the same for all routes of a port, so it is
//! described here once.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use sessera_openapi::{ErrorBody, ErrorDetail, OAuthErrorBody};

use crate::answer::Status;

/// Which port a document is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Browsers, apps and verifiers.
    Public,
    /// Operators and back ends.
    Admin,
}

/// What every route of a port answers beside what its handler does.
struct Always {
    status: Status,
    description: &'static str,
    /// Whether a route answers it.
    when: fn(Port, &str, &Operation) -> bool,
}

/// A body that nobody asked for is read as well, so each route answers what is wrong with one.
const ALWAYS: [Always; 12] = [
    Always { status: Status::MALFORMED, description: "The request is malformed", when: |_, _, _| true },
    Always {
        status: Status::UNPROVEN,
        description: "The token of the admin API is missing or wrong",
        when: |port, _, _| port == Port::Admin,
    },
    Always {
        status: Status::NOT_ALLOWED,
        description: "The role of the admin token is not enough, or a web page sent the request",
        when: |port, _, _| port == Port::Admin,
    },
    Always {
        status: Status::NOT_ALLOWED,
        description: "A browser sends it for a page of another site (`security_csrf_violation`)",
        when: |port, method, route| port == Port::Public && method != "get" && !is_oauth(route),
    },
    Always {
        status: Status::TOO_SLOW,
        description: "The body took too long to arrive",
        when: |_, _, _| true,
    },
    Always { status: Status::TOO_LARGE, description: "The body is too large", when: |_, _, _| true },
    Always {
        status: Status::OTHER_MEDIA_TYPE,
        description: "The body is not of a media type that the route takes, or it is encoded",
        when: |_, _, _| true,
    },
    Always {
        status: Status::TOO_MANY,
        description: "There were too many requests of this client; see `Retry-After`",
        when: |port, _, route| port == Port::Public && is_counted(route),
    },
    Always {
        status: Status::FAULT,
        description: "A fault of the server, of which its log says more",
        when: |_, _, _| true,
    },
    Always {
        status: Status::NO_GOOD_ANSWER,
        description: "A web hook that must answer did not answer well",
        when: |port, _, route| port == Port::Public && is_of_flow(route),
    },
    Always {
        status: Status::UNAVAILABLE,
        description: "Something that the server needs is not available; try again",
        when: |_, _, _| true,
    },
    Always {
        status: Status::OTHERS_TOO_SLOW,
        description: "A web hook that must answer did not do so in time",
        when: |port, _, route| port == Port::Public && is_of_flow(route),
    },
];

/// What the descriptions of the admin API call the token that they ask for. The role that a route needs stands beside it.
pub const ADMIN_TOKEN: &str = "adminToken";

/// The descriptions of the routes of a path, by their methods.
pub fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let all = [
        ("get", &item.get),
        ("put", &item.put),
        ("post", &item.post),
        ("delete", &item.delete),
        ("patch", &item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect()
}

/// The descriptions of the routes of a path, by their methods, which can be changed.
pub fn operations_mut(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect()
}

/// Adds to a document what is the same for all routes of its port.
pub(crate) fn complete(document: &mut OpenApi, port: Port) {
    for item in document.paths.paths.values_mut() {
        for (method, route) in operations_mut(item) {
            for always in &ALWAYS {
                let status = always.status.code().to_string();
                if (always.when)(port, method, route) && !route.responses.responses.contains_key(&status) {
                    let answer = error(always.description, is_oauth(route));
                    route.responses.responses.insert(status, RefOr::T(answer));
                }
            }
            add_who_may_ask(route, port);
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    for (name, schema) in schemes(port) {
        components.security_schemes.insert(name.to_owned(), RefOr::T(schema));
    }
    for (name, schema) in [
        (ErrorBody::name(), ErrorBody::schema()),
        (ErrorDetail::name(), ErrorDetail::schema()),
        (OAuthErrorBody::name(), OAuthErrorBody::schema()),
    ] {
        components.schemas.entry(name.into_owned()).or_insert(schema);
    }
}

/// Says who may ask beside those whom a route names itself.
fn add_who_may_ask(route: &mut Operation, port: Port) {
    let nobody_in_particular = SecurityRequirement::default();
    match port {
        Port::Public => _ = route.security.get_or_insert_with(|| vec![nobody_in_particular]),
        // Without `serve.admin.token` whoever reaches the port may ask.
        Port::Admin => route.security.get_or_insert_default().push(nobody_in_particular),
    }
}

fn schemes(port: Port) -> Vec<(&'static str, SecurityScheme)> {
    let bearer = |description| {
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build(),
        )
    };
    match port {
        Port::Public => vec![
            (
                "sessionToken",
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                    "X-Session-Token",
                    "The session token of a native client.",
                ))),
            ),
            (
                "sessionCookie",
                SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                    "ory_kratos_session",
                    "The session cookie of a browser; `session.cookie.name` names it.",
                ))),
            ),
            ("sessionBearer", bearer("The session token of a native client.")),
        ],
        Port::Admin => vec![(
            ADMIN_TOKEN,
            bearer(
                "An admin token with the role that stands beside this name, or a higher one: `viewer`, `operator` or `owner`. Those of `serve.admin.token` are owners; without any there, none is asked for.",
            ),
        )],
    }
}

/// Whether a request of the route leaves something behind, so that those of a client are counted.
fn is_counted(route: &Operation) -> bool {
    let id = route.operation_id.as_deref().unwrap_or_default();
    is_of_flow(route) || matches!(id, "exchangeCode" | "openVerificationLink")
}

/// Whether a route begins a flow or takes its form.
fn is_of_flow(route: &Operation) -> bool {
    let id = route.operation_id.as_deref().unwrap_or_default();
    (id.starts_with("create") || id.starts_with("update")) && !id.contains("Logout")
}

fn is_oauth(route: &Operation) -> bool {
    route.tags.iter().flatten().any(|tag| tag == "oauth2")
}

/// An error answer. The layers around the OAuth endpoints answer errors in the form of the rest of the API.
fn error(description: &str, oauth: bool) -> Response {
    let reference = |name: &str| RefOr::Ref(Ref::from_schema_name(name));
    let schema: RefOr<Schema> = if oauth {
        let one =
            OneOfBuilder::new().item(reference(&OAuthErrorBody::name())).item(reference(&ErrorBody::name()));
        RefOr::T(Schema::OneOf(one.build()))
    } else {
        reference(&ErrorBody::name())
    };
    ResponseBuilder::new()
        .description(description)
        .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
