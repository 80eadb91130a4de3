"""What the storage provider and the file service behind it refuse; the README of the lab lists it by these lines."""

from __future__ import annotations

import uuid
from datetime import datetime

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.errors import NotEmulated

FULL = "TotalSharesProvisionedCapacityExceedsAccountLimit"
"""The code by which the driver knows that it has to look for another account."""


def account_name_invalid(name: str) -> CloudError:
    """An account's name has other signs, or too few or too many.

    Source: AzureMonitorStarterPacks#171; azure-docs troubleshooting/error-storage-account-name.md.
    """
    return CloudError(
        400,
        "AccountNameInvalid",
        f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
        "length and use numbers and lower-case letters only.",
    )


def account_taken(name: str) -> CloudError:
    """An account has the name that is asked about (`checkNameAvailability`, which answers `AlreadyExists`).

    Source: hashicorp/terraform#11485; azure-rest-api-specs StorageAccountCheckNameAvailability.json.
    """
    return CloudError(409, "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")


def account_exists(name: str) -> CloudError:
    """An account is to be made whose name one in another group has.

    Source: azure-docs troubleshooting/error-storage-account-name.md.
    """
    message = f"The account {name} is already in another resource group in this subscription."
    return CloudError(409, "StorageAccountInAnotherResourceGroup", message)


def not_provisioned() -> CloudError:
    """The account is still being made.

    Source: azurefile-csi-driver#186.
    """
    return CloudError(
        409,
        "StorageAccountIsNotProvisioned",
        "The storage account provisioning state must be 'Succeeded' before executing the operation.",
    )


def values_invalid(*names: str) -> CloudError:
    """A SKU or a kind that there is not, or that do not go together; a name of a key that there is not.

    Source: terraform-provider-azurerm#8089, #4842; of keys there is none.
    """
    message = f"Values for request parameters are invalid: {', '.join(names)}."
    return CloudError(400, "InvalidValuesForRequestParameters", message)


def sku_is_fixed(had: str, wanted: str) -> CloudError:
    """Standard is to become premium, or copies are to be in zones, or the other way round.

    Source: terraform-provider-azurerm#110, #6526; CromwellOnAzure#159.
    """
    message = f"Storage account type {had} cannot be changed to {wanted}."
    return CloudError(400, "StorageAccountTypeConversionNotAllowed", message)


def property_is_fixed(name: str) -> CloudError:
    """A property is to change that is settled when the account is made; large file shares are to end.

    Source: Azure/ResourceModules#3106, jenkins-infra/azure#125; of large file shares azure-cli#10784 without the words.
    """
    message = (
        f"The property '{name}' was specified in the input, but it cannot be updated as it is read-only. "
        "For more information, see - https://aka.ms/storageaccountupdate"
    )
    return CloudError(400, "AccountPropertyCannotBeUpdated", message)


def parent_not_found(verb: str, kind: str, account: str) -> CloudError:
    """The account is not there that a share or a file service is of.

    Source: cloud-provider-azure pkg/azclient/fileservicepropertiesclient/testdata/AZURECLOUD.yaml.
    """
    return CloudError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{kind}', because the parent resource '{account}' could "
        "not be found.",
    )


def no_file_service() -> CloudError:
    """The account is for blobs alone, or a premium one of a kind without shares.

    Source: turbot/steampipe-plugin-azure#474.
    """
    return CloudError(400, "FeatureNotSupportedForAccount", "File is not supported for the account.")


def nfs_not_supported() -> CloudError:
    """An NFS share is asked of an account that is not premium FileStorage.

    Source: azure-cli#32510.
    """
    message = "NfsFileShares is not supported for the account."
    return CloudError(400, "FeatureNotSupportedForAccount", message)


def account_is_full() -> CloudError:
    """Provisioned shares, with the deleted ones that can be restored, would be larger than one share may be.

    Source: azurefile-csi-driver#523, #3132; azure-docs databox/data-box-troubleshoot-data-upload.md.
    """
    message = "The total provisioned capacity of the shares cannot exceed the account maximum size limit."
    return CloudError(409, FULL, message)


def share_not_found(now: datetime) -> CloudError:
    """There is no such share.

    Source: cloud-provider-azure pkg/azclient/fileshareclient/testdata/AZURECLOUD.yaml.
    """
    return _service(404, "ShareNotFound", "The specified share does not exist.", now)


def share_exists(now: datetime) -> CloudError:
    """A deleted share is to come back under a name that is taken.

    Source: azure-powershell#22017, of a share that is made twice.
    """
    return _service(409, "ShareAlreadyExists", "The specified share already exists.", now)


def share_name_invalid(now: datetime) -> CloudError:
    """A share's name has other signs than lower-case letters, digits and single hyphens between them.

    Source: azurefile-csi-driver#600; the spelling is Azure's.
    """
    return _service(400, "InvalidResourceName", "The specifed resource name contains invalid characters.", now)


def share_name_length(now: datetime) -> CloudError:
    """A share's name is shorter than 3 signs or longer than 63.

    Source: Azure/Azurite src/queue/errors/StorageErrorFactory.ts, of queues, whose names are as long.
    """
    message = "The specified resource name length is not within the permissible limits."
    return _service(400, "OutOfRangeInput", message, now)


def header_value_invalid(now: datetime) -> CloudError:
    """A quota below its tier's minimum or above its maximum, a tier, protocol or squash that cannot be.

    The provider hands a share's properties on to the file service as headers, whose refusal says no more than that.

    Source: azure-cli#18405, AKS#1516, terraform-provider-azurerm#4782, pulumi-azure-native#786.
    """
    message = "The value for one of the HTTP headers is not in the correct format."
    return _service(400, "InvalidHeaderValue", message, now)


def not_emulated(what: str) -> CloudError:
    """Azure has it, the lab has not.

    Source: the lab's own words.
    """
    return CloudError(NotEmulated.code, NotEmulated.reason, f"The lab does not emulate {what}.")


def _service(status: int, code: str, message: str, now: datetime) -> CloudError:
    """A refusal of the file service itself, which ends with the request's id and time."""
    return CloudError(status, code, f"{message}\nRequestId:{uuid.uuid4()}\nTime:{storage_time(now)}")


def storage_time(moment: datetime) -> str:
    """ISO 8601 with seven decimals and `Z`, as the storage provider writes times."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}0Z"
