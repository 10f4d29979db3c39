"""Questions to the published files, and what answers them: a YAML file a question, ``<number>_<slug>.yaml``.

A question is one SELECT over the Parquet files of datasets, each under its stem. From what is declared,
``python -m dev.questions`` writes ``docs/QUESTIONS.md``, and the folder portal makes a page a question.
"""

from publish.questions.answering import Answered as Answered
from publish.questions.answering import Shelved as Shelved
from publish.questions.answering import answer_all as answer_all
from publish.questions.declaring import Question as Question
from publish.questions.declaring import QuestionChart as QuestionChart
from publish.questions.declaring import load_questions as load_questions
