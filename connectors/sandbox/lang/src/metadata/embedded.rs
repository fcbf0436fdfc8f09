//! The files of `deploy/salesforce`, compiled in, so that the demo enforces what is shipped.

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../deploy/salesforce/", $path)))),*]
    };
}

/// Path below `deploy/salesforce` and text of every file of the package (metadata and project file), sorted by path.
pub fn embedded() -> &'static [(&'static str, &'static str)] {
    EMBEDDED
}

const EMBEDDED: &[(&str, &str)] = files![
    "force-app/main/default/customPermissions/Handoff_Gate_Bypass.customPermission-meta.xml",
    "force-app/main/default/customPermissions/Handoff_Gate_Writer.customPermission-meta.xml",
    "force-app/main/default/objects/Activity/fields/Handoff_Obligation_Id__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Champion_Strength__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Desired_Go_Live__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Expansion_Hypothesis__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Go_Live_Anchor_Event__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Clearance_Id__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Cleared_At__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Commission_Number__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Commission_Open__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Commission_Status__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Decision__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Evidence__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Hold_Reason__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_In_Queue__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Missing__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Reject_Fields__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Reject_Reason__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Stage_Open__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Handoff_03_Status__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Implementation_Risks__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Incumbent_Tool__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/No_Known_Risks__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/No_Side_Letters__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Onboarding_Lead__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Political_Dynamics__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Signing_Authority__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Sticky_Points__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Success_Criteria__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Success_Metric__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Success_Target_Date__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Success_Target__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/fields/Verbal_Commitments__c.field-meta.xml",
    "force-app/main/default/objects/Opportunity/validationRules/Handoff_03_Gate.validationRule-meta.xml",
    "force-app/main/default/objects/Opportunity/validationRules/Handoff_03_Gate_Fields.validationRule-meta.xml",
    "force-app/main/default/permissionsets/Handoff_Break_Glass.permissionset-meta.xml",
    "force-app/main/default/permissionsets/Handoff_Integration.permissionset-meta.xml",
    "force-app/main/default/permissionsets/Handoff_Reader.permissionset-meta.xml",
    "force-app/main/default/permissionsets/Handoff_Receiver.permissionset-meta.xml",
    "force-app/main/default/permissionsets/Handoff_Sender.permissionset-meta.xml",
    "sfdx-project.json",
];
