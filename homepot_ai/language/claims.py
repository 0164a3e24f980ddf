"""What a model may answer: claims, by schema."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from homepot_ai.language.facts import Claim, Stance

LONGEST = 400
MOST = 12


class ClaimReply(BaseModel):
    """One sentence. Values stand in it as `{f3}`, names as `{D1}`."""

    model_config = ConfigDict(extra="ignore")

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    fact_ids: Annotated[list[Annotated[str, Field(max_length=12)]], Field(max_length=24)] = []
    stance: Stance = "fact"

    def claim(self) -> Claim:
        """As the rest sees it."""
        return Claim(self.text, tuple(dict.fromkeys(self.fact_ids)), self.stance)


class ClaimsReply(BaseModel):
    """A whole answer; the nonce proves that the prompt's head was read.

    >>> ClaimsReply.model_validate({"claims": [{"text": "{D1} is {f1}"}]}).claims[0].stance
    'fact'
    """

    model_config = ConfigDict(extra="ignore")

    nonce: str = ""
    claims: Annotated[list[ClaimReply], Field(max_length=MOST)]
