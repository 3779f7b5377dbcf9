//! Routes: how the questions of a proxy are judged, compiled from the configuration.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::HeaderName;
use sessera_config::GatewayConfig;
use sessera_config::gateway::DEFAULT_ROUTE;
use sessera_config::sections::gateway::{self as section, Demand, OnMissing, Preflight, RouteAal};
use sessera_issuer::{Assurance, LiveSession, Wanted};

/// How the questions of a proxy are judged.
#[derive(Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// The token that the app gets, if it gets one.
    pub token: Option<RouteToken>,
    /// Whether requests without a session are kept from the app.
    pub is_required: bool,
    /// What a session must have proven; nothing where that is what the configuration says of all.
    pub assurance: Option<Assurance>,
    /// The identity schemas of those who may pass; all when empty.
    schema_ids: Vec<String>,
    /// Whether browsers that open a page are sent to sign in.
    pub redirects: bool,
    /// Whether preflights of other origins pass.
    pub passes_preflights: bool,
}

/// Which token an app gets, and in which headers.
#[derive(Debug)]
pub struct RouteToken {
    /// The template that makes it.
    template: String,
    /// For how long it is given again.
    reuse: Duration,
    /// The header of the token.
    pub header: HeaderName,
    /// The headers of its claims, with the names of these.
    pub claims: Vec<(HeaderName, String)>,
}

impl Route {
    /// A route as it is configured. Nothing when a name cannot be that of a header, which the configuration refuses.
    fn compile(name: &str, route: &section::Route) -> Option<Self> {
        let token = match &route.template {
            None => None,
            Some(template) => Some(RouteToken {
                template: template.clone(),
                reuse: route.reuse,
                header: HeaderName::from_bytes(route.header.as_bytes()).ok()?,
                claims: route
                    .headers
                    .iter()
                    .map(|(header, claim)| {
                        Some((HeaderName::from_bytes(header.as_bytes()).ok()?, claim.clone()))
                    })
                    .collect::<Option<_>>()?,
            }),
        };
        Some(Self {
            name: name.to_owned(),
            token,
            is_required: route.session == Demand::Required,
            assurance: route.aal.map(|aal| match aal {
                RouteAal::Aal1 => Assurance::One,
                RouteAal::Aal2 => Assurance::Two,
                RouteAal::HighestAvailable => Assurance::HighestAvailable,
            }),
            schema_ids: route.schema_ids.clone(),
            redirects: route.on_missing == OnMissing::Redirect,
            passes_preflights: route.preflight == Preflight::Pass,
        })
    }

    /// Whether the owner of a session may pass by the schema that they are of.
    pub fn takes(&self, live: &LiveSession) -> bool {
        self.schema_ids.is_empty() || self.schema_ids.iter().any(|id| id == live.schema_id())
    }
}

impl RouteToken {
    /// Which token it is.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { template: &self.template, reuse: self.reuse }
    }
}

/// All routes by their names.
#[derive(Debug)]
pub struct Routes(HashMap<String, Route>);

impl Routes {
    /// The routes of a configuration, which was judged before.
    pub fn compile(config: &GatewayConfig) -> Self {
        let routes = config.routes.iter();
        let compiled = |(name, route): (&String, _)| Some((name.clone(), Route::compile(name, route)?));
        Self(routes.filter_map(compiled).collect())
    }

    /// The route of a question, which may name none.
    pub fn get(&self, name: Option<&str>) -> Option<&Route> {
        self.0.get(name.unwrap_or(DEFAULT_ROUTE))
    }
}
