//! `/v1/reservations`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, found, made};
use super::request::{Path, Urgent, Write, part_of};
use crate::api::fulfillment::Nothing;
use crate::api::problem::Problem;
use crate::api::reservation::{
    BatchAnswer, BatchEntry, NewReservation, OneOfMany, ReservationBatch, ReservationChange, ReservationJson,
};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, Context, ReserveOne};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::reply::{Outcome, Reply};
use crate::pipeline::Refused;

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
    let Write { context, body, .. } = write;
    // The key of the whole is told apart by part; the record of several parts carries the keys of each.
    let (own, context) = (context.key, Context { key: None, ..context });
    let mut wanted = Vec::with_capacity(body.reservations.len());
    let mut faulty = Vec::new();
    for (at, OneOfMany { reservation, fingerprint }) in body.reservations.into_iter().enumerate() {
        match reservation {
            Ok(reservation) => wanted.push(ReserveOne {
                key: own.map(|key| part_of(key, at as u64, fingerprint)),
                reserve: reservation.reserve(fingerprint),
            }),
            Err(faults) => faulty.push((at, Problem::of_faults(&faults))),
        }
    }
    let answers = match front.pipeline().reserve_many(&context, &wanted).await {
        Ok(durable) => durable.into_inner(),
        Err(refused) => wanted.iter().map(|_| Err(refused.clone())).collect(),
    };
    let now = front.journal().now().journal;
    let entry = |catalogue: &Catalogue, answer: Result<Outcome, Refused>| match answer.map(|outcome| outcome.reply) {
        Ok(Reply::Reservation(made)) => BatchEntry::made(ReservationJson::of(&made, catalogue, now)),
        Ok(_) => unreachable!("who asks for a reservation is answered with one"),
        Err(refused) => BatchEntry::refused(&refused.into(), &context.request_id),
    };
    let mut items: Vec<BatchEntry> =
        front.engine().catalogue(|catalogue| answers.into_iter().map(|answer| entry(catalogue, answer)).collect());
    for (at, problem) in faulty {
        items.insert(at, BatchEntry::refused(&problem, &context.request_id));
    }
    Ok(ahead(&BatchAnswer { items }))
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
