//! The page that asks for an admin token.

use maud::{Markup, html};

use crate::page::Frame;
use crate::words::Word;

/// The page. `to` is where it leads afterwards.
pub fn page(frame: &Frame<'_>, to: &str, is_wrong: bool) -> Markup {
    let title = frame.word(Word::SignIn);
    let form = frame.form(
        "/console/sign-in",
        html! {
            input type="hidden" name="to" value=(to);
            div.field {
                label for="token" { (frame.word(Word::SignInToken)) }
                input id="token" name="token" type="password" autocomplete="current-password" required autofocus
                    aria-describedby="lead" aria-invalid=[is_wrong.then_some("true")];
            }
            button type="submit" { (frame.word(Word::SignInButton)) }
        },
    );
    let content = html! {
        div.sheet {
            h1 { (title) }
            @if is_wrong { p.problem role="alert" { (frame.word(Word::SignInWrong)) } }
            p.soft id="lead" {
                (frame.word(Word::SignInLead)) " "
                span.mono { "sessera create admin-token NAME --role operator" }
            }
            (form)
        }
    };
    frame.document(title, content)
}
