"""Where a region's services are.

Endpoints by cloud: Kafka API reference, "Endpoints"; the vendor's SDK region tables; Open Telekom
Cloud and Flexible Engine by their Terraform providers. Regions known to the vendor's Kafka SDK
(3.1.219) are only used to notice a typing error: a new region works without a new release.
"""

from __future__ import annotations

EU = "eu-west-101"
FLEXIBLE_ENGINE = "eu-west-0"
OPEN_TELEKOM_CLOUD = ("eu-de", "eu-nl", "eu-ch2")

KNOWN = (
    *("ae-ad-1", "af-north-1", "af-south-1"),
    *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("cn-east-2", "cn-east-3", "cn-east-4", "cn-east-5"),
    *("cn-north-1", "cn-north-2", "cn-north-4", "cn-north-9", "cn-north-11", "cn-north-12"),
    *("cn-south-1", "cn-south-2", "cn-south-4", "cn-southwest-2", "cn-southwest-3"),
    *(FLEXIBLE_ENGINE, EU, *OPEN_TELEKOM_CLOUD),
    *("la-north-2", "la-south-2", "me-east-1", "my-kualalumpur-1", "na-mexico-1"),
    *("ru-moscow-1", "ru-northwest-2", "sa-brazil-1", "tr-west-1"),
)


def domain_of(region: str) -> str:
    """The domain under which a region's services have their names."""
    if region == EU:
        return "myhuaweicloud.eu"
    if region == FLEXIBLE_ENGINE:
        return "prod-cloud-ocb.orange-business.com"
    if region in OPEN_TELEKOM_CLOUD:
        return "otc.t-systems.com"
    return "myhuaweicloud.com"


def endpoint(service: str, region: str) -> str:
    """The address of a service, `dms` or `iam`, in a region; without a path."""
    return f"https://{service}.{region}.{domain_of(region)}"
