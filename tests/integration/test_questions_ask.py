import pytest
from homepot_ai.answers.contracts import Query
from homepot_ai.answers.query import query
from homepot_ai.language.model import NoModel
from homepot_ai.questions.types import Asker
from tests import sections_world
