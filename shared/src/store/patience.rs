use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Error, meter};

const FIRST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_millis(800);

/// Waits between repeats: twice as long each time, with full jitter, and not beyond an end.
pub(super) struct Patience {
    end: Instant,
    next: Duration,
}

impl Patience {
    /// As much of it.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            end: Instant::now() + patience,
            next: FIRST_WAIT,
        }
    }

    /// Waits a while, or gives the error back when that would be too long.
    pub(super) async fn wait(&mut self, error: Error) -> Result<(), Error> {
        let wait = self.next.mul_f64(fastrand::f64());
        if Instant::now() + wait >= self.end {
            return Err(error);
        }
        self.next = (self.next * 2).min(LONGEST_WAIT);
        meter::count_repeat();
        sleep(wait).await;
        Ok(())
    }
}
