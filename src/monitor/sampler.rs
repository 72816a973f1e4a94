//! The one thread of a monitor, which looks at each target when it is due.

use super::session::Watch;
use crate::control::lock;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Of a processor's time, sampling one target takes at most one part in this many: a target whose samples are dear is
/// sampled less often than the interval says.
const MAX_SHARE: u32 = 10;

/// The targets to be sampled, and the thread that does it while there are any.
#[derive(Default)]
pub(super) struct Sampler {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    entries: Vec<Entry>,
    /// Whether there is a thread.
    running: bool,
}

struct Entry {
    watch: Arc<Watch>,
    due: Instant,
}

impl Sampler {
    /// Samples this at its interval from now on.
    pub(super) fn add(self: &Arc<Self>, watch: Arc<Watch>) -> io::Result<()> {
        let mut queue = lock(&self.queue);
        if !queue.running {
            let sampler = Arc::clone(self);
            thread::Builder::new().name("bailiwick-monitor".to_owned()).spawn(move || sampler.run())?;
            queue.running = true;
        }
        let due = Instant::now() + watch.interval();
        queue.entries.push(Entry { watch, due });
        self.changed.notify_all();
        Ok(())
    }

    pub(super) fn remove(&self, watch: &Arc<Watch>) {
        let mut queue = lock(&self.queue);
        let removed: Vec<_> =
            queue.entries.extract_if(.., |entry| Arc::ptr_eq(&entry.watch, watch)).collect();
        self.changed.notify_all();
        // What a target holds is let go of outside of the lock.
        drop(queue);
        drop(removed);
    }

    fn run(&self) {
        let mut queue = lock(&self.queue);
        loop {
            let Some(due) = queue.entries.iter().map(|entry| entry.due).min() else {
                queue.running = false;
                return;
            };
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                queue = self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            queue = self.sample_due(queue);
        }
    }

    fn sample_due<'a>(&'a self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        let now = Instant::now();
        let due = queue.entries.iter().filter(|entry| entry.due <= now);
        let due: Vec<_> = due.map(|entry| (Arc::clone(&entry.watch), entry.due)).collect();
        drop(queue);
        let mut next = Vec::with_capacity(due.len());
        for (watch, due) in due {
            let begun = Instant::now();
            // A callback that panics is the caller's to mend: the others' targets are still watched.
            _ = catch_unwind(AssertUnwindSafe(|| watch.tick()));
            let done = Instant::now();
            let running = watch.is_running();
            // One that is late is not sampled twice to make up for it.
            let due = (due + watch.interval()).max(done + (done - begun) * (MAX_SHARE - 1));
            next.push((watch, running.then_some(due)));
        }
        let mut queue = lock(&self.queue);
        for (watch, due) in &next {
            match due {
                Some(due) => {
                    for entry in queue.entries.iter_mut().filter(|entry| Arc::ptr_eq(&entry.watch, watch)) {
                        entry.due = *due;
                    }
                }
                None => queue.entries.retain(|entry| !Arc::ptr_eq(&entry.watch, watch)),
            }
        }
        queue
    }
}
