import { testRule } from '../../../test/support/rule-tester.ts';
import { serviceTargetPort } from './rule.ts';

testRule(serviceTargetPort, import.meta.dirname);
