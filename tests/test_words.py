from __future__ import annotations

import re
import threading
import time

import pytest

from retriever.words import MAX_QUERY_WORDS, query_words, tokens, variants


def _asked(query: str) -> list[str]:
    return [word.token for word in query_words(query)]


def test_tokens_are_lower_case_stems_in_order_with_repetitions() -> None:
    assert tokens("Certificates expired; the certificate EXPIRES") == [
        "certif",
        "expir",
        "the",
        "certif",
        "expir",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gke-resource-quotas", ["gke_resource_quota", "gke", "resourc", "quota"]),
        ("innodb_flush_log", ["innodb_flush_log", "innodb", "flush", "log"]),
        ("v1.24.3", ["v1_24_3", "v1", "24", "3"]),
        ("/etc/hosts", ["etc_host", "etc", "host"]),
        ("KubeSpawner", ["kubespawn", "kube", "spawner"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("std::bad_alloc", ["std_bad_alloc", "std", "bad", "alloc"]),
        ("gcr.io:443", ["gcr_io_443", "gcr", "io", "443"]),
    ],
)
def test_a_compound_comes_whole_and_in_parts(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_an_apostrophe_does_not_cut_a_word() -> None:
    assert tokens("can't won’t") == ["cant", "wont"]


def test_accents_case_and_compatibility_forms_are_folded() -> None:
    assert tokens("naïve CAFÉ ﬁle STRASSE straße") == tokens("naive cafe file strasse strasse")


def test_unspaced_scripts_are_cut_into_pairs_and_their_marks_are_kept() -> None:
    assert tokens("障害報告") == ["障害報告", "障害", "害報", "報告"]
    assert tokens("ベース") != tokens("ヘース")


@pytest.mark.parametrize("text", ["a.b-c/d:e", "Ünïcode_Ärger x²", "日本語 text", "__init__ --x-- 'q'", "ⅷ ½ ™"])
def test_every_token_is_one_that_the_word_index_keeps_whole(text: str) -> None:
    for token in tokens(text):
        assert re.fullmatch(r"[a-z0-9_\u0080-\U0010ffff]+", token), token


def test_question_words_are_not_looked_up() -> None:
    assert _asked("has anyone ever had trouble with the certificates?") == ["troubl", "certif"]


def test_a_question_of_question_words_only_is_looked_up_by_them() -> None:
    assert _asked("what is it") == ["what", "is", "it"]


def test_the_words_of_a_question_are_distinct_and_wholes_are_marked() -> None:
    words = query_words("disk full: disk-full")
    assert [word.token for word in words] == ["disk", "full", "disk_ful"]
    assert [word.is_whole for word in words] == [False, False, True]


def test_question_and_document_agree_on_a_word() -> None:
    assert set(_asked("kubelet's ErrImagePull 404s")) <= set(tokens("the kubelet's ErrImagePull 404s"))


@pytest.mark.parametrize(
    "unit", ["a", "a.", "aB", "'", "_", "ab'", "日", "x-", "\u0301", "Ab1", "word ", "a_b.C/d:", "é", "1.2"]
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    started = time.perf_counter()
    tokens(text)
    found = query_words(text)
    assert time.perf_counter() - started < 5
    assert len(found) <= MAX_QUERY_WORDS
    assert all(len(word.token) <= 80 for word in found)


def test_threads_do_not_disturb_each_other() -> None:
    text = "clusters certificates deployments failing nodes restarting " * 50
    expected = tokens(text)
    wrong: list[int] = []

    def work() -> None:
        wrong.extend(1 for _ in range(50) if tokens(text) != expected)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("slip", ["kuberntes", "kubenretes", "kuberneetes", "kubernetas"])
def test_a_slip_has_the_meant_word_among_its_variants(slip: str) -> None:
    assert "kubernetes" in variants(slip)


@pytest.mark.parametrize("token", ["disk", "error42", "naïve", "a_b_c_d", "x" * 30])
def test_short_words_and_identifiers_have_no_variants(token: str) -> None:
    assert variants(token) == ()


def test_variants_keep_the_first_letter_and_leave_the_word_itself_out() -> None:
    found = variants("docker")
    assert "docker" not in found
    assert all(word.startswith("d") for word in found)
