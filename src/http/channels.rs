//! `/v1/channels`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::channel::{ChannelJson, ChannelPut};
use crate::api::page::{Page, Paging};
use crate::api::scalar::{Id, checked};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Create or replace a channel, or a segment of customers, with its limits. What is reserved and promised already counts
/// against them.
#[utoipa::path(
    put, path = "/v1/channels/{channel}", tag = "channels", request_body = ChannelPut,
    params(("channel" = Id, Path)),
    responses((status = 200, body = ChannelJson, description = "replaced"), (status = 201, body = ChannelJson, description = "created")),
)]
pub async fn put_channel(State(front): State<Front>, Path(id): Path<Text>, write: Write<ChannelPut>) -> Replied {
    let Id(id) = checked("channel", &id)?;
    let command = Command::PutChannel(Box::new(write.body.command(id)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// One channel, with what it uses.
#[utoipa::path(
    get, path = "/v1/channels/{channel}", tag = "channels",
    params(("channel" = Id, Path)),
    responses((status = 200, body = ChannelJson)),
)]
pub async fn channel(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let engine = front.engine();
    let (terms, used, seq) = engine.channel(&id).ok_or_else(|| Rejection::not_found("channel", &*id))?;
    let shown = engine.catalogue(|catalogue| ChannelJson::of(&terms, &used, catalogue));
    Ok(found(front.journal().durable(seq, shown).await?))
}

/// All channels that were put.
#[utoipa::path(
    get, path = "/v1/channels", tag = "channels",
    params(Paging),
    responses((status = 200, body = Page<ChannelJson>)),
)]
pub async fn channels(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let engine = front.engine();
    let (ids, next, seq) = engine.catalogue(|catalogue| {
        let (channels, next) = paging.slice(catalogue.channels());
        (channels.iter().map(|channel| channel.id.clone()).collect::<Vec<_>>(), next, catalogue.seq)
    });
    let known: Vec<_> = ids.iter().filter_map(|id| engine.channel(id)).collect();
    let seq = known.iter().map(|(.., seq)| *seq).fold(seq, u64::max);
    let items = engine.catalogue(|c| known.iter().map(|(terms, used, _)| ChannelJson::of(terms, used, c)).collect());
    Ok(found(front.journal().durable(seq, Page::new(items, next)).await?))
}
