//! What all pages have in common: the document around their content, and what it may load.

use maud::{DOCTYPE, Markup, html};
use sessera_accounts::rules::Rules;
use sessera_accounts::target::Target;
use url::{Origin, Url};

use crate::assets;
use crate::branding::Branding;
use crate::words::{Texts, Word};

/// A page.
#[derive(Debug)]
pub struct Page<'a> {
    /// The texts of its language.
    pub texts: &'a Texts,
    /// The rules of flows, which say where forms may lead.
    pub rules: &'a Rules,
    /// What the deployment gives it of its own.
    pub branding: &'a Branding,
    /// Its title.
    pub title: String,
    /// Whether something on it is wrong, which its title then says first.
    pub has_errors: bool,
    /// How wide it is.
    pub width: Width,
    /// What stands in its head on the right, for those who are signed in.
    pub aside: Option<Markup>,
    /// Whether the script for passkeys is on it.
    pub has_script: bool,
    /// What stands in its middle.
    pub content: Markup,
}

/// How wide a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// It asks for one thing.
    Card,
    /// It has several sections.
    Wide,
}

impl Page<'_> {
    /// The whole page.
    pub fn document(&self) -> Markup {
        let (texts, site) = (self.texts, &self.rules.site_name);
        let logo = self.branding.logo();
        let icon = logo.unwrap_or(&assets::ICON);
        html! {
            (DOCTYPE)
            html lang=(texts.tag()) dir=(texts.direction()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title {
                        @if self.has_errors { (texts.word(Word::ProblemPrefix)) ": " }
                        (self.title) " · " (site)
                    }
                    link rel="icon" type=(icon.media_type) href=(self.rules.url(&icon.path()));
                    link rel="stylesheet" href=(self.rules.url(&assets::STYLE.path()));
                    @for sheet in self.branding.sheets() {
                        link rel="stylesheet" href=(self.rules.url(&sheet.path()));
                    }
                    @if self.has_script {
                        script src=(self.rules.url(&assets::PASSKEYS.path())) defer {}
                    }
                }
                body.card[self.width == Width::Card].wide[self.width == Width::Wide] {
                    header.top {
                        p.site {
                            // The name beside it says what it shows.
                            @if let Some(logo) = logo { img.logo src=(self.rules.url(&logo.path())) alt=""; } @else { (mark()) }
                            span { (site) }
                        }
                        @if let Some(aside) = &self.aside { (aside) }
                    }
                    main { (self.content) }
                }
            }
        }
    }

    /// What the page may load and where its forms may lead: the value of `Content-Security-Policy`.
    pub fn policy(&self) -> String {
        policy(self.rules, self.has_script)
    }
}

/// The mark beside the name of the site: a key's bow, drawn in the colours of the text around it.
pub fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" {
            rect width="24" height="24" rx="7" {}
            path d="M12 5.5a4 4 0 0 1 1.6 7.7l1 5.3h-5.2l1-5.3A4 4 0 0 1 12 5.5z" {}
        }
    }
}

/// The policy of a page. Browsers ask it about redirections after a form too, so every place where a flow may end is
/// in it.
fn policy(rules: &Rules, has_script: bool) -> String {
    let ends = [&rules.login, &rules.registration, &rules.settings, &rules.recovery, &rules.verification];
    let ends = ends.into_iter().flat_map(|flow| flow.after.iter().chain(&flow.page));
    let own = Url::parse(&rules.base_url);
    let targets = std::iter::once(&rules.default_return).chain(&rules.allowed_returns).chain(ends);
    let targets = targets.chain(&rules.logout_return).chain(&rules.error_page).map(Target::url);
    let mut targets: Vec<String> = own.iter().chain(targets).map(source).collect();
    targets.extend(rules.form_targets.iter().cloned());
    targets.sort();
    targets.dedup();
    let own = own.as_ref().map(source).unwrap_or_default();
    let scripts = if has_script { format!("script-src 'self' {own}; ") } else { String::new() };
    format!(
        "default-src 'none'; {scripts}style-src 'self' {own}; img-src 'self' {own} data:; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        targets.join(" ")
    )
}

/// An address as a source of a policy: its origin, or its scheme where it has none.
fn source(url: &Url) -> String {
    match url.origin() {
        Origin::Tuple(..) => url.origin().ascii_serialization(),
        Origin::Opaque(_) => format!("{}:", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_accounts::language::Language;
    use sessera_config::Config;

    fn rules() -> Rules {
        let tree = serde_json::json!({
            "selfservice": {"default_browser_return_url": "http://127.0.0.1:4455/"}
        });
        Rules::compile(&Config::from_tree(&tree).expect("is a configuration"), &[]).expect("compiles")
    }

    #[test]
    fn forms_may_end_where_flows_may_and_nowhere_else() {
        let mut rules = rules();
        rules.allowed_returns = ["https://app.example.org/in/", "https://app.example.org/x", "myapp://back"]
            .map(|url| Target::absolute(Url::parse(url).expect("is an address")))
            .to_vec();
        let with_script = policy(&rules, true);
        assert!(with_script.contains("script-src 'self' http://127.0.0.1:4433;"), "{with_script}");
        let policy = policy(&rules, false);
        assert!(!policy.contains("script-src"), "{policy}");
        assert!(
            policy.contains("form-action 'self' http://127.0.0.1:4433 http://127.0.0.1:4455 https://app.example.org myapp:;"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn titles_and_names_are_escaped() {
        let mut rules = rules();
        rules.site_name = "<b>&\"x".into();
        let page = Page {
            texts: Texts::of(Language::En),
            rules: &rules,
            branding: &Branding::default(),
            title: "</title><script>".into(),
            has_errors: false,
            width: Width::Card,
            aside: None,
            has_script: false,
            content: html! {},
        };
        let document = page.document().into_string();
        assert!(!document.contains("<script>") && !document.contains("<b>"), "{document}");
        assert!(document.contains("&lt;b&gt;&amp;&quot;x"), "{document}");
    }
}
