"""A page is held by its session and by nothing that lives longer: who leaves is forgotten."""

import panel as pn
from bokeh.document import Document
from panel.io.state import set_curdoc

from dashboard.views.shell import shell


def followers_of_the_process() -> int:
    return sum(len(watchers) for by_what in pn.state.param.watchers.values() for watchers in by_what.values())


def test_the_process_does_not_hold_a_page() -> None:
    before = followers_of_the_process()
    with set_curdoc(Document()):
        page = shell([pn.pane.HTML("main")], header=[], dark=False)
        page.server_doc(pn.state.curdoc)
    assert followers_of_the_process() == before
