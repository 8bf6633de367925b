"""Queries to start from in the console: what people ask of a run that no page answers in just this way."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A query with the question that it answers; the README shows those that are asked most."""

    question: str
    sql: str
    is_in_readme: bool = False


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "Hardest samples",
        """-- Highest mean loss over the epochs that visited the sample
SELECT sample_id, name AS class, avg(loss) AS mean_loss, count(loss) AS visits
FROM history
JOIN samples USING (sample_id)
JOIN classes USING (label)
GROUP BY ALL
ORDER BY mean_loss DESC NULLS LAST
LIMIT 50""",
    ),
    Recipe(
        "Forgotten samples",
        """-- How often a sample was right at one visit and wrong at the next
WITH visits AS (
    SELECT sample_id, correct, lag(correct) OVER (PARTITION BY sample_id ORDER BY epoch) AS was_correct
    FROM history
    WHERE correct IS NOT NULL
)
SELECT sample_id, count(*) AS times_forgotten
FROM visits
WHERE was_correct AND NOT correct
GROUP BY sample_id
ORDER BY times_forgotten DESC, sample_id
LIMIT 100""",
        is_in_readme=True,
    ),
    Recipe(
        "Seldom kept, yet wrong",
        """-- Samples that the selection leaves out although their last prediction was wrong
SELECT sample_id, label, count_if(selected) AS kept, count(*) AS epochs,
       arg_max(prediction, epoch) AS last_prediction
FROM history
JOIN samples USING (sample_id)
GROUP BY ALL
HAVING last_prediction <> label
ORDER BY kept, sample_id
LIMIT 100""",
    ),
    Recipe(
        "Kept share by class",
        """-- Share of each class that was trained on, early against late
SELECT name AS class, count(DISTINCT sample_id) AS samples,
       avg(selected::INT) FILTER (epoch < (SELECT max(epoch) + 1 FROM metrics) / 2) AS kept_early,
       avg(selected::INT) FILTER (epoch >= (SELECT max(epoch) + 1 FROM metrics) / 2) AS kept_late
FROM history
JOIN samples USING (sample_id)
JOIN classes USING (label)
GROUP BY ALL
ORDER BY kept_late, class""",
        is_in_readme=True,
    ),
    Recipe(
        "Change of the kept set",
        """-- Jaccard index of the kept samples of each epoch and the epoch before
WITH pairs AS (
    SELECT later.epoch, later.selected AS is_kept, earlier.selected AS was_kept
    FROM history AS later
    JOIN history AS earlier ON later.sample_id = earlier.sample_id AND later.epoch = earlier.epoch + 1
)
SELECT epoch, count_if(is_kept AND NOT was_kept) AS came, count_if(was_kept AND NOT is_kept) AS went,
       count_if(is_kept AND was_kept) / count_if(is_kept OR was_kept) AS jaccard
FROM pairs
GROUP BY epoch
ORDER BY epoch""",
    ),
    Recipe(
        "Labels that look wrong",
        """-- Samples whose label the net contradicts: lowest mean margin (AUM), and the class it prefers
SELECT sample_id, label, mode(prediction) AS preferred, avg(margin) AS mean_margin, count(margin) AS visits
FROM history
JOIN samples USING (sample_id)
WHERE margin IS NOT NULL
GROUP BY ALL
HAVING mean_margin < 0
ORDER BY mean_margin, sample_id
LIMIT 100""",
        is_in_readme=True,
    ),
    Recipe(
        "Wrong labels that stay",
        """-- Samples with a label known to be wrong, by how often they were kept all the same
SELECT sample_id, label, true_label, count_if(selected) AS kept, count(*) AS epochs,
       avg(confidence) AS mean_confidence
FROM history
JOIN samples USING (sample_id)
WHERE label <> true_label
GROUP BY ALL
ORDER BY kept DESC, sample_id""",
    ),
    Recipe(
        "Runs of the study",
        """-- Accuracy and cost of every run of the study, by its last epoch
SELECT run, count(*) AS epochs, arg_max(test_accuracy, epoch) AS test_accuracy,
       sum(samples_backpropagated) AS samples_backpropagated, sum(seconds) AS seconds
FROM all_metrics
GROUP BY run
ORDER BY test_accuracy DESC""",
    ),
)
