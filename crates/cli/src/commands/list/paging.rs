//! Lists in parts.

use anyhow::Result;
use clap::Args;
use sessera_client::identities::Part;

use crate::output::Output;

/// The most items of one part.
const LARGEST_PART: u32 = 1000;

/// Which part of a list.
#[derive(Args)]
pub(super) struct Paging {
    /// The largest number of items to list, from 1 to 1000 [default: 250]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    page_size: Option<u32>,
    /// Where to begin, as the list before said
    #[arg(long, value_name = "TOKEN")]
    page_token: Option<String>,
    /// List all items, however many they are
    #[arg(long, conflicts_with_all = ["page_size", "page_token"])]
    all: bool,
}

impl Paging {
    /// Fetches the part that was asked for, or all parts, and says where the next one begins.
    pub(super) async fn follow<T>(
        &self,
        mut ask: impl AsyncFnMut(Option<u32>, Option<String>) -> Result<Part<T>>,
    ) -> Result<(Vec<T>, Option<String>)> {
        if !self.all {
            let part = ask(self.page_size, self.page_token.clone()).await?;
            return Ok((part.items, part.next));
        }
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let part = ask(Some(LARGEST_PART), token).await?;
            all.extend(part.items);
            token = part.next;
            if token.is_none() {
                return Ok((all, None));
            }
        }
    }
}

/// Says how to see the rest.
pub(super) fn say_more(output: &Output, next: Option<&str>) {
    if let Some(next) = next {
        output.note(&format!("there are more: repeat the command with --page-token {next}, or with --all"));
    }
}
