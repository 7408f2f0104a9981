//! `/v1/reservations`.

use axum::extract::State;
use axum::http::StatusCode;
use futures_util::StreamExt;
use futures_util::stream;

use super::front::Front;
use super::reply::{Replied, ahead, found, made};
use super::request::{Path, Urgent, Write, part_of};
use crate::api::fulfillment::Nothing;
use crate::api::problem::Problem;
use crate::api::reservation::{
    BatchAnswer, BatchEntry, NewReservation, OneOfMany, ReservationBatch, ReservationChange, ReservationJson,
};
use crate::domain::command::{Command, Context};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::reply::Reply;

/// Reservations of a batch that are under way at the same time.
const BATCH_IN_FLIGHT: usize = 64;

/// Set units aside. All or nothing, unless `partial`.
#[utoipa::path(
    post, path = "/v1/reservations", tag = "reservations", request_body = NewReservation,
    responses((status = 201, body = ReservationJson)),
)]
pub async fn reserve(State(front): State<Front>, write: Write<NewReservation>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(write.fingerprint)).await?;
    Ok(made(&front, StatusCode::CREATED, done))
}

/// Make many reservations, each all or nothing, answered one by one.
#[utoipa::path(
    post, path = "/v1/reservations/batch", tag = "reservations", request_body = ReservationBatch,
    responses((status = 200, body = BatchAnswer)),
)]
pub async fn reserve_many(State(front): State<Front>, write: Write<ReservationBatch>) -> Replied {
    let (front, context) = (&front, &write.context);
    let entries = (0..).zip(write.body.reservations).map(|(at, one)| reserve_one(front, context, at, one));
    let items = stream::iter(entries).buffered(BATCH_IN_FLIGHT).collect().await;
    Ok(ahead(&BatchAnswer { items }))
}

async fn reserve_one(front: &Front, context: &Context, at: u64, one: OneOfMany) -> BatchEntry {
    let key = context.key.map(|key| part_of(key, at, one.fingerprint));
    let own = Context { key, ..context.clone() };
    let answered: Result<_, Problem> = async {
        let reservation = one.reservation.map_err(|faults| Problem::of_faults(&faults))?;
        let done = front.pipeline().submit(own, reservation.command(one.fingerprint)).await?;
        match done.into_inner().reply {
            Reply::Reservation(reservation) => Ok(reservation),
            _ => Err(Problem::new("internal_error", "the answer is not a reservation")),
        }
    }
    .await;
    let now = front.journal().now().journal;
    match answered {
        Ok(made) => BatchEntry::made(front.engine().catalogue(|c| ReservationJson::of(&made, c, now))),
        Err(problem) => BatchEntry::refused(&problem, &context.request_id),
    }
}

/// One reservation. Readable for 24 hours after its end.
#[utoipa::path(
    get, path = "/v1/reservations/{id}", tag = "reservations",
    params(("id" = String, Path)),
    responses((status = 200, body = ReservationJson)),
)]
pub async fn reservation(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let reservation = front.engine().reservation(&id)?;
    let durable = front.journal().durable(reservation.seq, reservation).await?;
    let now = front.journal().now().journal;
    Ok(found(durable.map(|reservation| front.engine().catalogue(|c| ReservationJson::of(&reservation, c, now)))))
}

/// Extend, shrink or grow a reservation that is held.
#[utoipa::path(
    patch, path = "/v1/reservations/{id}", tag = "reservations", request_body = ReservationChange,
    params(("id" = String, Path)),
    responses((status = 200, body = ReservationJson)),
)]
pub async fn change_reservation(
    State(front): State<Front>,
    Path(id): Path<Text>,
    write: Write<ReservationChange>,
) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Let a reservation go. A second time answers the same.
#[utoipa::path(
    delete, path = "/v1/reservations/{id}", tag = "reservations",
    params(("id" = String, Path)),
    responses((status = 200, body = ReservationJson)),
)]
pub async fn release(
    State(front): State<Front>,
    Path(reservation): Path<Text>,
    Urgent(write): Urgent<Nothing>,
) -> Replied {
    let done = front.pipeline().submit(write.context, Command::ReleaseReservation { reservation }).await?;
    Ok(made(&front, StatusCode::OK, done))
}
