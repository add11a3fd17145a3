"""What the Schedule of reviews starts each hour: one round over all sites that are due."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from activities.names import NOTHING, REVIEWS
    from workflows import options


@workflow.defn(name=REVIEWS)
class ReviewsWorkflow:
    """Wakes the contacts whose review is due. It takes no argument and decides nothing."""

    @workflow.run
    async def run(self, nothing: RawValue = NOTHING) -> int:
        woken: int = await workflow.execute_activity(
            "wake_reviews", result_type=int, **options.ROUND
        )
        return woken
