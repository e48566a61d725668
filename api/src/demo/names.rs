//! What people, companies and goods are called, in Chinese and in English.

use entity::kind::AccountKind;

use super::dice::Dice;
use super::places::City;

const FAMILY_ZH: [&str; 40] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁", "邓", "许", "傅", "沈", "曾",
    "彭", "吕",
];
const GIVEN_ZH: [&str; 48] = [
    "伟", "芳", "娜", "敏", "静", "磊", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平", "刚", "桂英",
    "建华", "文博", "子涵", "雨桐", "思远", "嘉怡", "志强", "晓东", "丽华", "海燕", "国庆", "新宇", "浩然", "欣怡",
    "俊杰", "梓萱", "天佑", "婉清", "立群", "书瑶", "振宇", "佩珊", "景行", "若兰", "鹏程", "慧敏", "承志", "雅婷",
    "家豪", "秋月",
];
const FAMILY_EN: [&str; 36] = [
    "Clarke",
    "Bennett",
    "Harper",
    "Nguyen",
    "Okafor",
    "Lindqvist",
    "Moreau",
    "Rossi",
    "Novak",
    "Fischer",
    "Walker",
    "Hughes",
    "Patel",
    "Kowalska",
    "Silva",
    "Tanaka",
    "Murphy",
    "Schneider",
    "Dubois",
    "Ivanova",
    "Carter",
    "Reid",
    "Santos",
    "Berg",
    "Mendes",
    "Fraser",
    "Collins",
    "Weber",
    "Haddad",
    "Sato",
    "Larsen",
    "Keller",
    "Doyle",
    "Costa",
    "Brandt",
    "Osei",
];
const GIVEN_EN: [&str; 40] = [
    "Emma", "Liam", "Olivia", "Noah", "Ava", "Ethan", "Sophie", "Lucas", "Mia", "Oliver", "Chloe", "Daniel", "Grace",
    "Henry", "Isla", "Jack", "Kate", "Leo", "Maya", "Nathan", "Nora", "Owen", "Priya", "Ruben", "Sara", "Theo", "Uma",
    "Victor", "Wendy", "Yusuf", "Zoe", "Aaron", "Bella", "Carl", "Diana", "Felix", "Hana", "Ivan", "Julia", "Marco",
];

/// A person's name.
pub fn person(dice: &mut Dice, english: bool) -> String {
    if english {
        format!("{} {}", dice.pick(&GIVEN_EN), dice.pick(&FAMILY_EN))
    } else {
        format!("{}{}", dice.pick(&FAMILY_ZH), dice.pick(&GIVEN_ZH))
    }
}

const BRANDS_ZH: [&str; 48] = [
    "恒信",
    "华晨",
    "中联",
    "瑞达",
    "天成",
    "鼎盛",
    "宏远",
    "金桥",
    "东方",
    "新锐",
    "博雅",
    "启航",
    "远景",
    "凯旋",
    "万邦",
    "星河",
    "汇通",
    "立方",
    "卓越",
    "锦程",
    "蓝海",
    "同创",
    "正泰",
    "嘉禾",
    "云帆",
    "海纳",
    "明德",
    "安捷",
    "创维达",
    "普联",
    "捷讯",
    "光谷",
    "联拓",
    "智远",
    "盛世",
    "长城",
    "九州",
    "迅捷",
    "德润",
    "泰和",
    "优朗",
    "博世达",
    "翔宇",
    "朗星",
    "银河",
    "信诚",
    "永昌",
    "兴业达",
];
const BRANDS_EN: [&str; 36] = [
    "Harbour",
    "Northgate",
    "Bluepeak",
    "Redwood",
    "Silverline",
    "Brightfield",
    "Oakmont",
    "Kestrel",
    "Meridian",
    "Pinnacle",
    "Riverstone",
    "Summit",
    "Trident",
    "Vanguard",
    "Westbrook",
    "Ashford",
    "Beacon",
    "Cobalt",
    "Drayton",
    "Everest",
    "Falcon",
    "Granite",
    "Highland",
    "Ironbridge",
    "Juniper",
    "Keystone",
    "Lakeside",
    "Monarch",
    "Nimbus",
    "Orion",
    "Palisade",
    "Quarry",
    "Rockwell",
    "Sterling",
    "Tidewater",
    "Unity",
];

/// A line of business: its name, and how a company in it signs.
pub struct Industry {
    pub name: (&'static str, &'static str),
    company: (&'static str, &'static str),
}

const fn industry(en: &'static str, zh: &'static str, company_en: &'static str, company_zh: &'static str) -> Industry {
    Industry { name: (en, zh), company: (company_en, company_zh) }
}

pub const INDUSTRIES: [Industry; 10] = [
    industry("Telecommunications", "通信", "Telecom Ltd.", "通信技术有限公司"),
    industry("Data centres", "数据中心", "Data Centres Ltd.", "数据科技有限公司"),
    industry("Construction", "建筑", "Construction Group", "建设工程有限公司"),
    industry("Manufacturing", "制造", "Manufacturing Co.", "制造有限公司"),
    industry("Education", "教育", "College", "职业学院"),
    industry("Healthcare", "医疗", "Hospital", "医院"),
    industry("Power grid", "电力", "Power & Grid Ltd.", "电力设备有限公司"),
    industry("Transport", "交通", "Transport Ltd.", "轨道交通有限公司"),
    industry("Hospitality", "酒店", "Hotels Ltd.", "酒店管理有限公司"),
    industry("Security", "安防", "Security Systems Ltd.", "安防系统有限公司"),
];

/// What an account is called.
pub fn account(dice: &mut Dice, kind: AccountKind, city: &City, industry: &Industry, english: bool) -> String {
    let (en, zh) = city.name;
    match (kind, english) {
        (AccountKind::Consumer, english) => person(dice, english),
        (AccountKind::Internal, true) => format!("Guangtong {en} office"),
        (AccountKind::Internal, false) => format!("光通{zh}办事处"),
        (AccountKind::Channel, true) => format!("{} {en} Distribution", dice.pick(&BRANDS_EN)),
        (AccountKind::Channel, false) => format!("{zh}{}商贸有限公司", dice.pick(&BRANDS_ZH)),
        (AccountKind::Business, true) => format!("{} {}", dice.pick(&BRANDS_EN), industry.company.0),
        (AccountKind::Business, false) => format!("{zh}{}{}", dice.pick(&BRANDS_ZH), industry.company.1),
    }
}

const STREETS: [(&str, &str); 16] = [
    ("Renmin Road", "人民路"),
    ("Zhongshan Road", "中山路"),
    ("Jiefang Avenue", "解放大道"),
    ("Jianshe Road", "建设路"),
    ("Keji Road", "科技路"),
    ("Xinhua Street", "新华街"),
    ("Heping Road", "和平路"),
    ("Changjiang Road", "长江路"),
    ("Huanghe Road", "黄河路"),
    ("Wenhua Road", "文化路"),
    ("Gongye Avenue", "工业大道"),
    ("Chuangxin Street", "创新街"),
    ("Guangfu Road", "光复路"),
    ("Beijing Road", "北京路"),
    ("Yingbin Avenue", "迎宾大道"),
    ("Xueyuan Road", "学院路"),
];

pub fn street(dice: &mut Dice, english: bool) -> String {
    let number = dice.within(1..400);
    let (en, zh) = dice.pick(&STREETS);
    if english { format!("{number} {en}") } else { format!("{zh}{number}号") }
}

/// What somebody is at a customer.
pub const TITLES: [(&str, &str); 8] = [
    ("Head of Purchasing", "采购总监"),
    ("Purchasing Manager", "采购经理"),
    ("Network Engineer", "网络工程师"),
    ("IT Manager", "信息部经理"),
    ("Project Manager", "项目经理"),
    ("Managing Director", "总经理"),
    ("Facilities Manager", "设施经理"),
    ("Chief Engineer", "总工程师"),
];

/// What is sold: series, name, list price in CNY.
pub const PRODUCTS: [(&str, &str, i64); 8] = [
    ("GT-Fibre 光纤", "GT-F100 单模光缆 Single-mode cable, km", 4_800),
    ("GT-Fibre 光纤", "GT-F200 铠装光缆 Armoured cable, km", 9_600),
    ("GT-Fibre 光纤", "GT-F300 室内光缆 Indoor cable, km", 3_200),
    ("GT-Access 接入", "GT-A10 光猫 Optical terminal, 10 pcs", 2_980),
    ("GT-Access 接入", "GT-A40 接入交换机 Access switch", 12_500),
    ("GT-Access 接入", "GT-A80 光线路终端 Line terminal", 46_000),
    ("GT-Core 传输", "GT-C1 波分复用系统 WDM system", 168_000),
    ("GT-Core 传输", "GT-C2 核心路由器 Core router", 298_000),
];
