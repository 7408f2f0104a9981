//! Appending, waiting and reading from many threads.

use std::thread;

use super::*;

#[test]
fn many_threads_get_one_order_and_every_wait_ends() {
    let disk = Simulated::new(1);
    let (journal, _) = open_with(&disk, Options { recent_bytes: 64 << 20, ..options() }).unwrap();
    let journal = Arc::new(journal);
    let body = journal.encode(&draft(2)).unwrap();
    journal.append(journal.encode(&draft(1)).unwrap());
    let mut seen: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    for _ in 0..200 {
                        let _seat = journal.seat(Priority::Normal).unwrap();
                        let before = journal.now();
                        let stamp = journal.append(body.clone());
                        assert!(stamp.time >= before.journal, "an append is never earlier than what it was decided by");
                        let durable = journal.durable_blocking(stamp.seq, stamp.seq).unwrap();
                        assert!(journal.durable_seq() >= *durable.as_ref());
                        seen.push(durable.into_inner());
                    }
                    seen
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    seen.sort_unstable();
    assert_eq!(seen, (2..=1_601).collect::<Vec<_>>());
    let counted = journal.counted();
    assert_eq!((counted.records, counted.seats_used), (1_601, 0));
    assert!(counted.groups <= counted.records && counted.frames >= counted.groups);
}

#[test]
fn a_group_larger_than_a_frame_takes_several() {
    let disk = Simulated::new(1);
    let (journal, _) = open_with(&disk, Options { generation_bytes: 1 << 30, ..options() }).unwrap();
    let last = disk.hold(|| (0..6_000).map(|_| append(&journal)).last().unwrap());
    journal.durable_blocking(last, ()).unwrap();
    let counted = journal.counted();
    assert!(counted.groups <= 2 && counted.frames > counted.groups, "{counted:?}");
    assert_readable(&journal, "several frames in a group");
}

#[test]
fn a_record_is_found_by_seq() {
    let disk = Simulated::new(1);
    let (journal, _) = open_with(&disk, Options { recent_bytes: 0, ..options() }).unwrap();
    for group in 1..30 {
        append_durably(&journal, group).unwrap();
        journal.core.keep();
    }
    for seq in 1..=journal.durable_seq() {
        assert_eq!(journal.read(seq).unwrap().unwrap().header.request_id, draft(seq).request_id);
    }
    assert!(journal.read(0).unwrap().is_none());
}

#[test]
fn a_tail_yields_what_is_durable_and_ends_with_the_journal() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    let mut tail = journal.tail(0);
    assert!(tail.try_next().unwrap().is_none());
    let reader = thread::spawn(move || {
        let mut seen = Vec::new();
        loop {
            match tail.next_blocking() {
                Ok(record) => seen.push(record.header.seq),
                Err(TailEnd::Stopped) => return seen,
                Err(other) => panic!("{other}"),
            }
        }
    });
    for _ in 0..20 {
        append_durably(&journal, 3).unwrap();
        journal.core.keep();
    }
    // Not waited for: an orderly end writes it all the same.
    append(&journal);
    journal.close().unwrap();
    assert_eq!(reader.join().unwrap(), (1..=61).collect::<Vec<_>>());
}

#[test]
fn a_closed_journal_makes_nothing_durable() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    append_durably(&journal, 1).unwrap();
    journal.close().unwrap();
    journal.close().unwrap();
    let late = append(&journal);
    assert_eq!(journal.durable_blocking(late, ()), Err(OutcomeUnknown));
    assert_eq!(journal.seat(Priority::Normal).err(), Some(Busy::Stopped));
    assert!(!journal.is_poisoned());
}

#[test]
fn a_disk_nearly_full_refuses_new_work_and_takes_what_ends_some() {
    let disk = Simulated::new(1);
    disk.set_free_bytes(200 << 20);
    let (journal, _) = open(&disk).unwrap();
    assert_eq!(journal.seat(Priority::Normal).err(), Some(Busy::NoRoom));
    assert!(journal.look_for_seat().is_err() && journal.seat(Priority::Kept).is_ok());
    disk.set_free_bytes(100 << 20 >> 1);
    assert_eq!(journal.seat(Priority::Kept).err(), Some(Busy::NoRoom));
    disk.set_free_bytes(100 << 30);
    assert!(journal.look_for_seat().is_ok() && journal.seat(Priority::Normal).is_ok());
}

#[test]
fn the_async_wait_is_woken_from_the_writer() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for _ in 0..50 {
            let seq = append(&journal);
            assert_eq!(journal.durable(seq, "answer").await.unwrap().into_inner(), "answer");
        }
        assert_eq!(journal.tail(49).next().await.unwrap().header.seq, 50);
    });
}

#[test]
fn with_an_usher_all_tasks_that_are_ready_share_a_sync() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    let journal = Arc::new(journal);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ushered = journal.clone();
        let usher = tokio::spawn(async move { ushered.usher(tokio::task::yield_now).await });
        for groups in 1..=20 {
            let tasks: Vec<_> = (0..10)
                .map(|_| {
                    let journal = journal.clone();
                    tokio::spawn(async move { journal.durable(append(&journal), ()).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            assert_eq!((journal.durable_seq(), journal.counted().groups), (10 * groups, groups));
        }
        usher.abort();
        assert!(usher.await.unwrap_err().is_cancelled());
        assert!(journal.durable(append(&journal), ()).await.is_ok(), "without it the append calls the writer");
    });
}

#[test]
fn a_task_that_blocks_the_runtime_of_the_usher_is_not_kept_waiting() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    let journal = Arc::new(journal);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ushered = journal.clone();
        tokio::spawn(async move { ushered.usher(tokio::task::yield_now).await });
        tokio::task::yield_now().await;
        for _ in 0..20 {
            assert!(journal.durable_blocking(append(&journal), ()).is_ok());
        }
    });
}

#[test]
fn an_usher_that_never_comes_is_not_waited_for() {
    let disk = Simulated::new(1);
    let (journal, _) = open(&disk).unwrap();
    let mut usher = std::pin::pin!(journal.usher(std::future::pending));
    let mut nobody = std::task::Context::from_waker(futures_util::task::noop_waker_ref());
    for _ in 0..3 {
        assert!(usher.as_mut().poll(&mut nobody).is_pending());
        let seq = append(&journal);
        assert!(durable::block_on(journal.durable(seq, ())).is_ok());
    }
}

#[test]
fn without_a_thread_the_caller_writes() {
    let disk = Simulated::new(1);
    let by_caller = || Options { workers: Workers::Caller, ..options() };
    let (journal, _) = open_with(&disk, by_caller()).unwrap();
    let first = append(&journal);
    append(&journal);
    assert_eq!((journal.durable_seq(), journal.counted().groups), (0, 0), "nobody has written");
    assert_eq!(journal.durable_blocking(first, ()).map(|durable| durable.seq()), Ok(first));
    assert_eq!((journal.durable_seq(), journal.counted().groups), (2, 1), "one group for all that waited");
    append(&journal);
    journal.write();
    assert_eq!(journal.durable_seq(), 3);
    append(&journal);
    journal.close().unwrap();
    drop(journal);
    let (journal, state) = open_with(&disk, by_caller()).unwrap();
    assert_eq!((journal.opening().clean, state.seq()), (true, 4), "an orderly end writes what waits");

    disk.fail_sync_after(1);
    let lost = append(&journal);
    assert_eq!(journal.durable_blocking(lost, ()), Err(OutcomeUnknown));
    assert!(journal.is_poisoned());
    assert_eq!(journal.durable_blocking(append(&journal), ()), Err(OutcomeUnknown));
}
