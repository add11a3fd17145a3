"""The pulse of one process's page, which families of every kind share."""

from collections.abc import Callable

from portal.desk import PortalDesk
from portal.families import Pulse, process_id
from starter.process_desk import ProcessDesk
from store.pulses import Pulses


def of_process(desk: Callable[[PortalDesk], ProcessDesk]) -> Pulse:
    """Return the pulse of one process and its mails, by the process's id."""

    async def pulse(at: PortalDesk, key: str) -> str:
        process = process_id(key)
        await desk(at).viewed(process)  # whoever may not see it any more hears nothing
        return await Pulses(at.engines).of_process(process)

    return pulse
