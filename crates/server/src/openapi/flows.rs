//! What all kinds of flows answer alike, described once.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use sessera_contract::answer::Status;
use sessera_openapi::{ErrorBody, FlowOrErrorBody};

type Responses = BTreeMap<String, RefOr<Response>>;

/// What a route that reads a flow answers beside the flow.
pub(crate) struct ReadsFlow;

impl IntoResponses for ReadsFlow {
    fn responses() -> Responses {
        errors(&[
            (Status::MALFORMED, "A parameter makes no sense"),
            (Status::NOT_ALLOWED, "Another browser's flow (`security_csrf_violation`)"),
            (Status::MISSING, "No such flow"),
            (Status::ENDED, "The flow has ended (`self_service_flow_expired`)"),
        ])
    }
}

/// What a route that takes the form of a flow answers where the flow has not ended as it should.
pub(crate) struct TakesForm;

impl IntoResponses for TakesForm {
    fn responses() -> Responses {
        let mut responses = errors(&[
            (Status::UNPROVEN, "A session is needed, or has ended"),
            (Status::NOT_ALLOWED, "Not the form of this browser (`security_csrf_violation`)"),
            (Status::MISSING, "No such flow"),
            (Status::OUTRUN, "Another request was faster"),
            (Status::ENDED, "The flow has ended; another took its place (`use_flow_id`)"),
            (Status::BROWSER_GOES_ON, "The browser must go elsewhere"),
            (Status::TOO_MANY, "Too many attempts; see `Retry-After`"),
        ]);
        let way_on = ResponseBuilder::new().description("A browser's way on").build();
        responses.insert(Status::GO_ON.code().to_string(), RefOr::T(way_on));
        let form = response("The flow, which says what is wrong", &FlowOrErrorBody::name());
        responses.insert(Status::MALFORMED.code().to_string(), form);
        responses
    }
}

/// What a route answers to a browser that comes back to a flow from another site.
pub(crate) struct ComesBack;

impl IntoResponses for ComesBack {
    fn responses() -> Responses {
        let mut responses = TakesForm::responses();
        let way_on = ResponseBuilder::new().description("The way to the form for what is missing").build();
        responses.insert(Status::GO_ON_AS_BEFORE.code().to_string(), RefOr::T(way_on));
        let done = response("What became of the flow", &FlowOrErrorBody::name());
        responses.insert(Status::DONE.code().to_string(), done);
        responses.extend(errors(&[
            (Status::NO_GOOD_ANSWER, "The provider, or a web hook, did not answer as it should"),
            (Status::OTHERS_TOO_SLOW, "A web hook that must answer did not do so in time"),
        ]));
        responses
    }
}

fn errors(described: &[(Status, &str)]) -> Responses {
    let error = |(status, description): &(Status, &str)| {
        (status.code().to_string(), response(description, &ErrorBody::name()))
    };
    described.iter().map(error).collect()
}

fn response(description: &str, schema: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name(schema)))).build();
    RefOr::T(ResponseBuilder::new().description(description).content("application/json", content).build())
}
