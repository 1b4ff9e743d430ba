"""A simulated Huawei Cloud: DMS for Kafka and IAM over a scenario, with faults on demand.

It imports nothing of the bot, so its idea of signatures, tokens and answers is its own.
"""

from bot.demo.cloud.app import application, make_cloud
from bot.demo.cloud.errors import Shape
from bot.demo.cloud.faults import Fault, of_task
from bot.demo.cloud.gateway import CLOUD
from bot.demo.cloud.iam import Tenant
from bot.demo.cloud.metadata import MetadataForm
from bot.demo.cloud.simulated import SimulatedCloud, Terms, steady_clock

__all__ = [
    "CLOUD",
    "Fault",
    "MetadataForm",
    "Shape",
    "SimulatedCloud",
    "Tenant",
    "Terms",
    "application",
    "make_cloud",
    "of_task",
    "steady_clock",
]
