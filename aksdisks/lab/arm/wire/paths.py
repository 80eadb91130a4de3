"""The paths that routes begin with; `{name}` stands for a parameter."""

SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"
COMPUTE = "/providers/Microsoft.Compute"
LOCATION = SUBSCRIPTION + COMPUTE + "/locations/{location}"
SCALE_SET = GROUP + COMPUTE + "/virtualMachineScaleSets/{scale_set}"
