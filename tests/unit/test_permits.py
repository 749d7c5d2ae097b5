"""Who begins a request that was sent ahead: permits through a real pipe, with a real second process."""

from __future__ import annotations

import os
import select
import signal
import threading

from flowerpower.job_queue.worker.permits import Permits, may_begin


def never() -> None:
    raise AssertionError("it is decided already")


def test_each_request_is_begun_by_its_child_or_taken_back() -> None:
    """What is left are the last requests; a child passes over those that were taken back."""
    permits = Permits()
    permits.give(5)
    assert [may_begin(permits.reader, never) for _ in range(2)] == [True, True]
    assert permits.take_back(2) == 2
    permits.give(1)
    assert [may_begin(permits.reader, never) for _ in range(4)] == [True, False, False, True]
    assert permits.take_back(9) == 0
    permits.close()


def test_what_was_taken_back_before_is_not_counted_again() -> None:
    """A child that is slow has not passed over the earlier ones yet."""
    permits = Permits()
    permits.give(3)
    assert permits.take_back(3) == 3
    permits.give(2)
    assert permits.take_back(9) == 2
    assert [may_begin(permits.reader, never) for _ in range(5)] == [False] * 5
    permits.close()


def test_a_child_waits_while_its_permit_is_in_the_workers_hands() -> None:
    """It says so before it waits, and goes on once it is decided; without a worker nothing is."""
    permits = Permits()
    waits = threading.Event()
    answers: list[bool] = []
    reader = os.dup(permits.reader)

    def ask() -> None:
        answers.extend(may_begin(reader, waits.set) for _ in range(2))

    child = threading.Thread(target=ask)
    child.start()
    assert waits.wait(10)
    permits.give(1)
    permits.close()
    child.join(10)
    assert answers == [True, False]
    os.close(reader)


def test_a_process_and_its_worker_never_have_the_same_request() -> None:
    """Both read at the same time: what one begins and the other takes back are all, and no more."""
    for _ in range(20):
        permits = Permits()
        begun_reader, begun_writer = os.pipe()
        permits.give(200)
        pid = os.fork()
        if pid == 0:
            for number in range(200):
                if may_begin(permits.reader, lambda: None):
                    os.write(begun_writer, b"b" if number else b"f")
            os._exit(0)
        os.close(begun_writer)
        assert select.select([begun_reader], [], [], 30)[0]
        taken = permits.take_back(200)
        assert os.waitpid(pid, 0)[1] == 0
        begun = b""
        while part := os.read(begun_reader, 4096):
            begun += part
        assert len(begun) + taken == 200
        os.close(begun_reader)
        permits.close()


def test_after_a_childs_death_the_permits_say_what_it_had_not_begun() -> None:
    """Those that are left in the pipe when it is gone."""
    permits = Permits()
    permits.give(4)
    pid = os.fork()
    if pid == 0:
        may_begin(permits.reader, never)
        may_begin(permits.reader, never)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert permits.take_back(4) == 2
    permits.close()
