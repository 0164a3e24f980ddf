"""A seventh set, in German. Looked at while the rules were made."""

from __future__ import annotations

from narration_honest import World

WORLDS: dict[str, World] = {}
BY_HAND: dict[str, str] = {}

WORLDS["seventh"] = (
    "de",
    {"D1": "Kasse 1", "D2": "Kasse 2", "S1": "Nord", "S2": "Süd"},
    {"D1": "S1", "D2": "S2"},
    [
        ("f1", "value", "D1", "Gesundheitswert", 0.61, "0,61", {"period": "jetzt"}),
        (
            "f2",
            "delta",
            "D1",
            "Gesundheitswert",
            -0.2,
            "0,20",
            {"period": "seit gestern", "better": False, "direction": -1},
        ),
        ("f3", "state", "D1", "Zustand", "kritisch", "kritisch", {"period": "jetzt"}),
        ("f4", "state", "D2", "Zustand", "gesund", "gesund", {"period": "jetzt"}),
        ("f5", "count", "S1", "offene Vorfälle", 3, "3", {"period": "jetzt"}),
        ("f6", "count", "S2", "offene Vorfälle", 0, "0", {"period": "jetzt", "universal": "none"}),
        ("f7", "duration", "D1", "Zeit ohne Daten", 60, "1 h", {"period": "heute"}),
        ("f8", "value", "D1", "CPU", 93, "93 %", {"period": "letzte 24 h"}),
        ("f9", "value", "D2", "CPU", 20, "20 %", {"period": "letzte 24 h"}),
        ("f10", "moment", "D2", "zuletzt gesehen", "x", "08:00", {}),
        ("f11", "share", "S2", "gesunde Geräte", 1.0, "100 %", {"period": "heute", "universal": "all"}),
        ("f12", "rank", "D1", "CPU", 93, "93 %", {"direction": 1, "period": "letzte 24 h"}),
    ],
    [
        "{D1} ist kritisch. +f3",
        "Der Gesundheitswert von {D1} ist seit gestern um {f2} gesunken und beträgt jetzt {f1}.",
        "{D1} hat einen Gesundheitswert von {f1}.",
        "{D2} ist gesund, {D1} dagegen ist kritisch. +f4 +f3",
        "In {S1} gibt es {f5} offene Vorfälle.",
        "In {S2} gibt es keine offenen Vorfälle. +f6",
        "{S2} hat keine offenen Vorfälle. +f6",
        "In {S2} sind alle Geräte gesund. +f11",
        "{D1} war heute {f7} ohne Daten.",
        "Die CPU von {D1} liegt bei {f8}.",
        "Die CPU von {D1} ist höher als die von {D2}. +f8 +f9",
        "{D1} hat die höchste CPU mit {f12}.",
        "{D2} wurde zuletzt um {f10} gesehen.",
        "Der niedrigere Gesundheitswert von {D1} könnte mit der CPU von {f8} zusammenhängen. ? +f2",
        "{D1} befindet sich im Zustand {f3}.",
    ],
)
BY_HAND["seventh"] = """
    by hand | {D1} ist gesund. +f3
    by hand | {D2} ist kritisch. +f4
    by hand | {D1} ist nicht kritisch. +f3
    by hand | {D1} ist keineswegs kritisch. +f3
    by hand | {D1} ist wieder gesund. +f3
    by hand | {D1} bleibt kritisch. +f3
    by hand | {D1} und {D2} sind gesund. +f4 +f3
    by hand | {D1} und {D2} sind kritisch. +f3 +f4
    by hand | {D2} ist gesund und {D1} auch. +f4 +f3
    by hand | {D2} ist gesund, ebenso {D1}. +f4 +f3
    by hand | {S1} ist kritisch. +f3
    by hand | {S2} ist gesund. +f11
    by hand | In {S1} sind alle Geräte gesund. +f11
    by hand | Alle Geräte sind gesund. +f11
    by hand | Alle Standorte sind gesund. +f11
    by hand | In {S2} ist kein Gerät gesund. +f6
    by hand | In {S1} gibt es keine offenen Vorfälle. +f6
    by hand | Es gibt keine offenen Vorfälle. +f6
    by hand | In {S2} gibt es keine Vorfälle. +f6
    by hand | In {S2} gibt es {f5} offene Vorfälle.
    by hand | In {S1} gibt es {f5} Vorfälle.
    by hand | In {S1} gibt es {f5} kritische Vorfälle.
    by hand | In {S1} gibt es {f5} offene Geräte.
    by hand | Der Gesundheitswert von {D1} ist um {f2} gestiegen.
    by hand | Der Gesundheitswert von {D1} ist auf {f2} gefallen.
    by hand | Der Gesundheitswert von {D1} ist um {f1} gefallen.
    by hand | Die CPU von {D1} ist um {f2} gefallen.
    by hand | Die CPU von {D1} ist gestiegen auf {f8}.
    by hand | Die CPU von {D1} ist niedriger als die von {D2}. +f8 +f9
    by hand | Die CPU von {D2} ist höher als die von {D1}. +f8 +f9
    by hand | {D2} hat die höchste CPU mit {f9}.
    by hand | {D1} hat die niedrigste CPU mit {f12}.
    by hand | {D1} hat die höchste CPU aller Standorte mit {f12}.
    by hand | {D1} war gestern {f7} ohne Daten.
    by hand | {D1} ist seit {f7} ohne Daten.
    by hand | {D1} war {f7} kritisch. +f3
    by hand | {D1} war {f7} lang offline.
    by hand | {D1} ist kritisch, weil die CPU bei {f8} liegt. +f3
    by hand | Da die CPU bei {f8} liegt, ist {D1} kritisch. +f3
    by hand | Wegen der CPU von {f8} ist {D1} kritisch. +f3
    by hand | Die CPU von {f8} machte {D1} kritisch. +f3
    by hand | Bei einer CPU von {f8} ist der Gesundheitswert von {D1} um {f2} gefallen.
    by hand | {D1} könnte ausfallen, weil die CPU bei {f8} liegt. ? +f3
    by hand | {D1} wird ausfallen. +f3
    by hand | {D1} ist wohl kritisch. +f3
    by hand | {D1} ist nur kritisch. +f3
    by hand | Der Gesundheitswert von {D1} liegt bei nur {f1}.
    by hand | Der Gesundheitswert von {D1} liegt unter {f1}.
    by hand | Der Gesundheitswert von {D1} liegt bei mindestens {f1}.
    by hand | Der Gesundheitswert von {D1} ist schlecht: {f1}.
    by hand | {D1} muss neu gestartet werden. +f3
    by hand | Bitte {D1} neu starten. +f3
    by hand | {D1} wurde zuletzt um {f10} gesehen.
    by hand | {D2} ist seit {f10} stumm.
    by hand | {D2} ist seit {f10} gesund. +f4
    by hand | {D2} ist um {f10} ausgefallen.
    by hand | {D1} hat eine CPU von {f9}.
    by hand | {D1} und {D2} haben eine CPU von {f8}.
    by hand | Der Gesundheitswert von {S1} beträgt {f1}.
    by hand | Der Gesundheitswert beträgt {f1}.
    by hand | {D1} steht in {S2} und ist kritisch. +f3 +f6
    """
