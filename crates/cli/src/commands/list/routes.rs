//! `sessera list routes`

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sessera_client::projects::TemplateState;
use sessera_config::gateway::DEFAULT_ROUTE;
use sessera_config::sections::gateway::{Demand, OnMissing, Route, RouteAal};
use sessera_model::GoDuration;

use crate::global::Global;
use crate::output::{Report, Table};

/// List the routes of the gateway, by which questions of proxies are judged
///
/// Proxies name a route in each question. Those that name none are judged by the route "default", which is there without
/// being configured and asks for a session. "LETS PASS" says whether a session is needed, with which factors (aal) and of people of which
/// schemas; "WITHOUT" what others are answered. A route whose template is broken lets nobody pass until it is mended.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list routes
  sessera list routes --format json-pretty
  sessera patch identity-config --add '/gateway/routes/api={\"template\":\"api\"}'
  sessera proxy-config nginx --route api")]
pub(crate) struct ListRoutes {}

impl ListRoutes {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let (config, gateway) = context.client.config_with_gateway(&context.project).await?;
        let routes = routes(&config);
        if gateway.is_some_and(|gateway| !gateway.enabled) {
            context
                .output
                .note("the gateway is off, so nobody asks by these: set serve.gateway.enabled to true");
        }
        let templates = context.client.templates(&context.project).await?;
        let mut table =
            Table::with_cut_last(&["NAME", "LETS PASS", "WITHOUT", "TEMPLATE", "HEADER", "STATE"]);
        let mut shown = Vec::new();
        for (name, route) in &routes {
            let template = route.template.clone().unwrap_or_default();
            let header = if route.template.is_some() { route.header.clone() } else { String::new() };
            let (state, reason) = state(route, &templates);
            let told = reason.clone().unwrap_or_else(|| state.to_owned());
            let missing = on_missing(route);
            table.row([name.clone(), demand(route), missing.to_owned(), template, header, told]);
            shown.push(json!({
                "name": name,
                "state": state,
                "reason": reason,
                "template": route.template,
                "header": route.header,
                "session": route.session.as_str(),
                "aal": route.aal.map(RouteAal::as_str),
                "schema_ids": route.schema_ids,
                "on_missing": on_missing(route),
                "headers": route.headers,
                "reuse": GoDuration::new(route.reuse).to_string(),
                "preflight": route.preflight.as_str(),
            }));
        }
        let ids = routes.into_keys().collect();
        context.output.print(&Report { json: shown.into(), table, ids })
    }
}

/// The routes of an identity configuration, with the one that is there in any case.
pub(crate) fn routes(config: &serde_json::Value) -> BTreeMap<String, Route> {
    let (sections, _) = sessera_config::config::read(config);
    let mut routes = sections.gateway.routes;
    routes.entry(DEFAULT_ROUTE.to_owned()).or_default();
    routes
}

/// Whom a route lets pass, in a few words.
fn demand(route: &Route) -> String {
    let session = match route.session {
        Demand::Required => "session",
        Demand::Optional => "anybody",
    };
    let aal = route.aal.map(|aal| match aal {
        RouteAal::HighestAvailable => "highest aal",
        other => other.as_str(),
    });
    let words = [session].into_iter().chain(aal).chain(route.schema_ids.iter().map(String::as_str));
    words.collect::<Vec<_>>().join(", ")
}

/// What somebody without the session that is needed is answered.
fn on_missing(route: &Route) -> &'static str {
    match route.on_missing {
        OnMissing::Redirect => "redirect",
        OnMissing::Refuse => "401",
    }
}

/// Whether a route lets anybody pass, and why it does not.
fn state(route: &Route, templates: &[TemplateState]) -> (&'static str, Option<String>) {
    let Some(name) = &route.template else { return ("ready", None) };
    match templates.iter().find(|template| template.name == *name) {
        Some(template) if template.state == "ready" => ("ready", None),
        Some(template) => {
            ("broken", template.reason.clone().or_else(|| Some("the template is broken".into())))
        }
        None => ("broken", Some(format!("there is no template \"{name}\""))),
    }
}
