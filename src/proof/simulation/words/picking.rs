//! Words of picking: where things lie, waves and their tasks.

use super::{number, units};
use crate::domain::command::{Command, NodePatch, PlanWave, PutBins, PutPolicy, TaskAction, WaveAction};
use crate::domain::fulfillment::ShortReason;
use crate::domain::picking::{BinPlace, PickMethod, PickingRule};

/// The command of a line; `None` when the words mean none of these.
pub fn command(words: &[&str]) -> Option<Command> {
    Some(match words {
        ["bin", sku, node, aisle, at] => {
            let place = (*aisle != "-").then(|| BinPlace {
                bin: format!("{aisle}-{at}").as_str().into(),
                zone: format!("z{aisle}").as_str().into(),
                aisle: number(aisle) as u16,
                at_m: number(at) as u16,
            });
            Command::PutBins(Box::new(PutBins { node: (*node).into(), bins: vec![((*sku).into(), place)] }))
        }
        ["skilled", node] => {
            let all = PickMethod::ALL.map(|method| method.word().into()).to_vec();
            let patch = NodePatch { capabilities: Some(all), ..NodePatch::default() };
            Command::PatchNode { node: (*node).into(), patch: Box::new(patch) }
        }
        ["picks_by", method] => {
            let method = PickMethod::ALL.into_iter().find(|known| known.word() == *method);
            let rule = PickingRule { method, wave_orders: 4, cart_orders: 2, ..PickingRule::default() };
            Command::PutPolicy(PutPolicy::Picking { node: None, rule })
        }
        ["wave", id, node] => Command::PlanWave(PlanWave {
            id: Some((*id).into()),
            fingerprint: 0,
            node: (*node).into(),
            fulfillments: None,
            cutoff_before: None,
        }),
        ["wave_go", id] => of(id, WaveAction::Release),
        ["wave_stop", id] => of(id, WaveAction::Cancel(None)),
        ["assign", id, task] => of_task(id, task, TaskAction::Assign { picker: "ann".into() }),
        ["begin", id, task] => of_task(id, task, TaskAction::Start),
        ["fetched", id, task] => of_task(id, task, TaskAction::Done { named: vec![] }),
        ["missed", id, task, pick, n, reason] => {
            let reason = match *reason {
                "not_in_stock" => ShortReason::NotInStock,
                "damaged" => ShortReason::Damaged,
                _ => ShortReason::Mismatch,
            };
            of_task(id, task, TaskAction::Short { pick: number(pick) as u32, quantity: units(n), reason })
        }
        _ => return None,
    })
}

fn of(wave: &str, action: WaveAction) -> Command {
    Command::ChangeWave { wave: wave.into(), action }
}

fn of_task(wave: &str, task: &str, step: TaskAction) -> Command {
    of(wave, WaveAction::Task { task: task.into(), step })
}
