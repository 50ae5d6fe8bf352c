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

#[cfg(test)]
mod tests {
    use super::super::{Client, PATIENCE, Store};
    use super::*;

    const FOR_LONG: Duration = Duration::from_mins(10);

    #[tokio::test]
    async fn every_wait_is_counted_and_the_next_may_be_twice_as_long_up_to_a_limit() {
        // Whatever is drawn, these four take less than half a second.
        let (longest, measure) = meter::metered(async {
            let mut patience = Patience::new(FOR_LONG);
            let mut longest = vec![patience.next];
            for _ in 0..4 {
                patience.wait(Error::Conflict).await.unwrap();
                longest.push(patience.next);
            }
            longest
        })
        .await;
        assert_eq!(longest, [25, 50, 100, 200, 400].map(Duration::from_millis));
        assert_eq!(measure.repeats, 4);

        let next = LONGEST_WAIT * 3 / 4;
        let mut patience = Patience {
            next,
            ..Patience::new(FOR_LONG)
        };
        patience.wait(Error::Conflict).await.unwrap();
        assert_eq!(patience.next, LONGEST_WAIT);
    }

    #[test]
    fn a_store_has_as_much_as_it_is_given() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest();
        let store = Store::new(Client::from_conf(config.build()), "muster");
        assert_eq!(store.patience, PATIENCE);
        assert_eq!(store.with_patience(FOR_LONG).patience, FOR_LONG);
    }

    #[tokio::test]
    async fn a_wait_that_would_go_beyond_the_end_is_none() {
        let (refused, measure) = meter::metered(async {
            let mut patience = Patience {
                next: LONGEST_WAIT,
                ..Patience::new(Duration::ZERO)
            };
            patience.wait(Error::Conflict).await
        })
        .await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
        assert_eq!(measure.repeats, 0);
    }
}
