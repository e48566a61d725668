//! What reps write: short, plausible, in Chinese and in English.

use entity::kind::{ActivityKind, LostReason};

use super::dice::Dice;
use super::places::Bilingual;

const VISIT: [Bilingual; 8] = [
    ("Walked the site with the customer and measured the cable runs.", "与客户一起勘察现场，测量了布线长度。"),
    ("Showed the new access switch; they asked for a trial.", "演示了新款接入交换机，客户希望试用。"),
    ("Went through the quotation line by line.", "逐项讲解了报价单。"),
    ("Met the new project manager and explained our delivery times.", "拜访新任项目经理，说明了交付周期。"),
    ("Checked stock on the shelf and agreed the next order.", "盘点了货架库存，商定下一批订货。"),
    ("Solved a complaint about two damaged drums.", "处理了两盘光缆破损的投诉。"),
    ("Presented the reference project at the hospital.", "介绍了医院样板项目。"),
    ("Discussed the framework contract for next year.", "讨论了明年的框架协议。"),
];
const CALL: [Bilingual; 6] = [
    ("Asked how the trial goes: stable so far.", "询问试用情况，目前运行稳定。"),
    ("Called back about delivery dates.", "就交货日期回电。"),
    ("Clarified the tender's technical questions.", "澄清了招标文件中的技术问题。"),
    ("Reminded them of the open quotation.", "提醒客户尚未回复的报价。"),
    ("Arranged a visit with the chief engineer.", "与总工程师约定拜访时间。"),
    ("They compare us with a second supplier.", "客户正在与另一家供应商比较。"),
];
const MEETING: [Bilingual; 4] = [
    ("Online meeting with purchasing and IT about the roll-out.", "与采购和信息部召开线上会议，讨论实施计划。"),
    ("Kick-off with the installer and the customer.", "与施工方及客户召开启动会。"),
    ("Workshop on network design with three engineers.", "与三位工程师进行网络设计研讨。"),
    ("Price negotiation with the purchasing committee.", "与采购委员会进行价格谈判。"),
];
const EMAIL: [Bilingual; 4] = [
    ("Sent the revised quotation and data sheets.", "发送了修订后的报价和技术资料。"),
    ("Sent the draft contract for review.", "发送合同草案供审阅。"),
    ("Answered questions on warranty and spare parts.", "答复了质保和备件问题。"),
    ("Sent the invitation to our autumn exhibition.", "发送了秋季展会邀请函。"),
];
const NOTE: [Bilingual; 4] = [
    ("Budget is decided at the end of the quarter.", "预算将在季度末确定。"),
    ("A competitor visited last week with a lower price.", "上周竞争对手以更低报价拜访过客户。"),
    ("They move to a new building next spring.", "客户明年春天搬入新楼。"),
    ("Decision maker changes after the holidays.", "节后决策人将更换。"),
];

pub fn summary(dice: &mut Dice, kind: ActivityKind, english: bool) -> String {
    let phrases: &[Bilingual] = match kind {
        ActivityKind::Visit => &VISIT,
        ActivityKind::Call => &CALL,
        ActivityKind::Meeting => &MEETING,
        ActivityKind::Email => &EMAIL,
        ActivityKind::Note => &NOTE,
    };
    say(dice, phrases, english)
}

/// One of them, in the language.
pub fn say(dice: &mut Dice, phrases: &[Bilingual], english: bool) -> String {
    let (en, zh) = dice.pick(phrases);
    if english { *en } else { *zh }.to_owned()
}

pub const OUTCOMES: [Bilingual; 6] = [
    ("Positive: they want to go on.", "反馈积极，愿意继续推进。"),
    ("Undecided, needs approval from above.", "尚未决定，需上级批准。"),
    ("Asked for a better price.", "要求更优惠的价格。"),
    ("Order confirmed by word.", "口头确认订单。"),
    ("Will test two samples.", "将测试两件样品。"),
    ("Postponed to next month.", "推迟到下个月。"),
];
pub const NEXT_STEPS: [Bilingual; 6] = [
    ("Send the quotation", "发送报价"),
    ("Bring samples", "携带样品拜访"),
    ("Call about the decision", "电话跟进决定"),
    ("Arrange a demonstration", "安排产品演示"),
    ("Send the contract", "发送合同"),
    ("Visit with the engineer", "与工程师一同拜访"),
];
pub const PURPOSES: [Bilingual; 5] = [
    ("Present the quotation", "讲解报价"),
    ("Survey the site", "现场勘察"),
    ("Regular visit", "例行拜访"),
    ("Demonstrate the product", "产品演示"),
    ("Talk about the contract", "洽谈合同"),
];
pub const CANCELLATIONS: [Bilingual; 3] = [
    ("The customer is away", "客户出差"),
    ("Settled by phone", "已电话解决"),
    ("The project was stopped", "项目已停止"),
];
pub const SALES: [Bilingual; 8] = [
    ("campus network", "园区网络"),
    ("data hall cabling", "机房布线"),
    ("fibre to the office", "光纤到楼"),
    ("backbone upgrade", "骨干网升级"),
    ("surveillance network", "监控网络"),
    ("spring restock", "季度补货"),
    ("new branch", "新分部联网"),
    ("framework contract", "年度框架"),
];
pub const SOURCES: [&str; 6] = ["referral", "fair", "website", "cold_call", "partner", "tender"];
pub const SETBACKS: [Bilingual; 3] = [
    ("They changed the specification", "客户更改了技术要求"),
    ("The budget has to be approved again", "预算需重新审批"),
    ("The decision maker changed", "决策人更换"),
];
pub const REOPENINGS: [Bilingual; 2] = [
    ("The other supplier could not deliver", "另一家供应商无法交货"),
    ("The budget was granted after all", "预算最终获批"),
];

/// Why sales are lost, and how often.
pub const LOSSES: [(LostReason, u32); 8] = [
    (LostReason::Price, 30),
    (LostReason::Competitor, 24),
    (LostReason::NoBudget, 14),
    (LostReason::NoDecision, 12),
    (LostReason::NoFit, 8),
    (LostReason::NoContact, 6),
    (LostReason::Duplicate, 2),
    (LostReason::Other, 4),
];
pub const LOSS_NOTES: [Bilingual; 3] = [
    ("The company merged with another.", "该公司与另一家合并。"),
    ("They build it themselves.", "客户决定自建。"),
    ("Moved to another province.", "已迁至外省。"),
];
