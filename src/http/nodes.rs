//! `/v1/nodes`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, found, made};
use super::request::{Params, Path, Write};
use crate::api::node::{NodeChange, NodeJson, NodePut};
use crate::api::page::{Page, Paging};
use crate::api::scalar::{Id, checked};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::rejection::Rejection;

/// Create or replace a node.
#[utoipa::path(
    put, path = "/v1/nodes/{node}", tag = "nodes", request_body = NodePut,
    params(("node" = Id, Path)),
    responses((status = 200, body = NodeJson, description = "replaced"), (status = 201, body = NodeJson, description = "created")),
)]
pub async fn put_node(State(front): State<Front>, Path(id): Path<Text>, write: Write<NodePut>) -> Replied {
    let Id(id) = checked("node", &id)?;
    let command = Command::PutNode(Box::new(write.body.node(id)));
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// Change part of a node: switch it off and on, among others.
#[utoipa::path(
    patch, path = "/v1/nodes/{node}", tag = "nodes", request_body = NodeChange,
    params(("node" = Id, Path)),
    responses((status = 200, body = NodeJson)),
)]
pub async fn change_node(State(front): State<Front>, Path(node): Path<Text>, write: Write<NodeChange>) -> Replied {
    let command = Command::PatchNode { node, patch: Box::new(write.body.patch()) };
    Ok(made(&front, StatusCode::OK, front.pipeline().submit(write.context, command).await?))
}

/// One node.
#[utoipa::path(
    get, path = "/v1/nodes/{node}", tag = "nodes",
    params(("node" = Id, Path)),
    responses((status = 200, body = NodeJson)),
)]
pub async fn node(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let node = front.catalogue(|c| c.node_index(&id).map(|index| NodeJson::from(c.node(index)))).await?;
    match node.as_ref() {
        Some(_) => Ok(found(node)),
        None => Err(Rejection::not_found("node", &*id).into()),
    }
}

/// All nodes.
#[utoipa::path(
    get, path = "/v1/nodes", tag = "nodes",
    params(Paging),
    responses((status = 200, body = Page<NodeJson>)),
)]
pub async fn nodes(State(front): State<Front>, Params(paging): Params<Paging>) -> Replied {
    let page = front.catalogue(|c| {
        let (nodes, next) = paging.slice(c.nodes());
        Page::new(nodes.iter().map(NodeJson::from).collect(), next)
    });
    Ok(found(page.await?))
}
