use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Error, meter};

const FIRST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_millis(800);

/// Exponential backoff between retries, with full jitter, until a deadline.
pub(in crate::store) struct Backoff {
    end: Instant,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(budget: Duration) -> Self {
        Self {
            end: Instant::now() + budget,
            next: FIRST_WAIT,
        }
    }

    /// Waits before the next try, or returns the error if the wait would exceed the budget.
    pub(in crate::store) async fn wait(&mut self, error: Error) -> Result<(), Error> {
        let wait = self.next.mul_f64(fastrand::f64());
        if Instant::now() + wait >= self.end {
            return Err(error);
        }
        self.next = (self.next * 2).min(LONGEST_WAIT);
        meter::count_retry();
        sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RETRY_BUDGET, Table};
    use super::*;

    const FOR_LONG: Duration = Duration::from_mins(10);

    #[tokio::test]
    async fn each_wait_is_counted_and_the_next_is_up_to_twice_as_long() {
        // These four waits take less than half a second with any jitter.
        let (longest, measure) = meter::metered(async {
            let mut backoff = Backoff::new(FOR_LONG);
            let mut longest = vec![backoff.next];
            for _ in 0..4 {
                backoff.wait(Error::Conflict("test")).await.unwrap();
                longest.push(backoff.next);
            }
            longest
        })
        .await;
        assert_eq!(longest, [25, 50, 100, 200, 400].map(Duration::from_millis));
        assert_eq!(measure.repeats, 4);

        let next = LONGEST_WAIT * 3 / 4;
        let mut backoff = Backoff {
            next,
            ..Backoff::new(FOR_LONG)
        };
        backoff.wait(Error::Conflict("test")).await.unwrap();
        assert_eq!(backoff.next, LONGEST_WAIT);
    }

    #[test]
    fn the_retry_budget_can_be_set() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest();
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        let table = Table::new(client, "muster".to_owned());
        assert_eq!(table.retry_budget(), RETRY_BUDGET);
        assert_eq!(table.with_retry_budget(FOR_LONG).retry_budget(), FOR_LONG);
    }

    #[tokio::test]
    async fn no_wait_exceeds_the_budget() {
        let (refused, measure) = meter::metered(async {
            let mut backoff = Backoff {
                next: LONGEST_WAIT,
                ..Backoff::new(Duration::ZERO)
            };
            backoff.wait(Error::Conflict("test")).await
        })
        .await;
        assert!(
            matches!(refused, Err(Error::Conflict("test"))),
            "{refused:?}"
        );
        assert_eq!(measure.repeats, 0);
    }
}
